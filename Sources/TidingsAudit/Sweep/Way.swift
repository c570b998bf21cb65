import Tidings

/// One of the ways of sending that are set side by side.
public enum Way: String, CaseIterable, Codable, Sendable, CustomStringConvertible {
    /// The action, then the sending.
    case afterAction = "after"
    /// The sending, then the action.
    case beforeAction = "before"
    /// Through the outbox; an event may be sent twice, and its readers know it by its stamp.
    case outbox
    /// Through the outbox, each batch in a Kafka transaction: readers of committed records see each event once.
    case outboxExactlyOnce = "outbox-exactly-once"

    /// When and how an event leaves.
    public var sending: Sending {
        switch self {
        case .afterAction: .afterAction
        case .beforeAction: .beforeAction
        case .outbox, .outboxExactlyOnce: .outbox
        }
    }

    /// What its relay promises.
    public var publishing: OutboxPublishing { self == .outboxExactlyOnce ? .exactlyOnce : .atLeastOnce }

    /// Whether a relay does the sending.
    public var usesRelay: Bool { sending == .outbox }

    public var description: String {
        switch self {
        case .afterAction: "after the action"
        case .beforeAction: "before the action"
        case .outbox: "outbox"
        case .outboxExactlyOnce: "outbox, exactly once"
        }
    }
}

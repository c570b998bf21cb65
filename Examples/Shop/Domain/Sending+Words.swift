import Tidings

extension Sending {
    /// Reads `after`, `before` or `outbox`, or the names that JSON has for them.
    init?(word: String) {
        switch word {
        case "after": self = .afterAction
        case "before": self = .beforeAction
        default: self.init(rawValue: word)
        }
    }

    /// The name on a button.
    var title: String {
        switch self {
        case .afterAction: "after the action"
        case .beforeAction: "before the action"
        case .outbox: "through the outbox"
        }
    }

    /// What becomes of an event when publishing it has succeeded, to be said of it.
    var fate: String {
        switch self {
        case .afterAction, .beforeAction: "is in Kafka"
        case .outbox: "was written with it, and leaves through the outbox as soon as Kafka is there"
        }
    }

    /// What it does, and what it may cost, in a sentence.
    var explanation: String {
        switch self {
        case .afterAction:
            "The order is written, then the event is sent. If the service dies in between, the event is lost."
        case .beforeAction:
            "The event is sent, then the order is written. If that fails, the event is a ghost: it tells of an order "
                + "that does not exist."
        case .outbox:
            "Order and event are written together; a relay sends the event right after. Neither lost nor ghost."
        }
    }
}

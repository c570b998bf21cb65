/// Listens to the steps that publishing, relaying and handling take; for audits and fault tests.
///
/// Without one nothing is called. A probe is called synchronously, right at the step, and may be called from any thread,
/// within transactions too: it returns quickly, or ends the process, which is what some of them are for.
public protocol Probe: Sendable {
    /// Called when a step is reached.
    func reached(_ step: Step)
}

/// A moment in the life of an event.
public struct Step: Hashable, Sendable {
    /// Which moment. The names are stable.
    public struct Point: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The name, such as `relay.acknowledged`.
        public let rawValue: String

        /// The moment of that name.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        public var description: String { rawValue }
    }

    /// Which moment it is.
    public var point: Point

    /// The events in question, in order.
    public var events: [EventID]

    /// A moment that these events have reached.
    public init(_ point: Point, _ events: [EventID]) {
        self.point = point
        self.events = events
    }
}

extension Step.Point {
    /// Publisher: about to open the transaction.
    public static let transactionStarts = Step.Point(rawValue: "publish.transaction.starts")
    /// Publisher: the action is done and, for the outbox, the event appended; the commit is next.
    public static let actionDone = Step.Point(rawValue: "publish.action.done")
    /// Publisher: the transaction is committed.
    public static let actionCommitted = Step.Point(rawValue: "publish.action.committed")
    /// Publisher: about to send directly (`.afterAction`, `.beforeAction`).
    public static let sendStarts = Step.Point(rawValue: "publish.send.starts")
    /// Publisher: Kafka has acknowledged.
    public static let sendAcknowledged = Step.Point(rawValue: "publish.send.acknowledged")

    /// Relay: a batch is claimed.
    public static let relayClaimed = Step.Point(rawValue: "relay.claimed")
    /// Relay that publishes exactly once: Kafka has a batch's records, and the commit of the transaction is next.
    public static let relayCommitting = Step.Point(rawValue: "relay.committing")
    /// Relay: Kafka has answered for the whole batch; nothing is marked yet.
    public static let relayAcknowledged = Step.Point(rawValue: "relay.acknowledged")
    /// Relay: what is sent is marked; the commit is next.
    public static let relayMarking = Step.Point(rawValue: "relay.marking")
    /// Relay: the marks are committed.
    public static let relayMarked = Step.Point(rawValue: "relay.marked")

    /// Subscription: records came from Kafka.
    public static let received = Step.Point(rawValue: "subscription.received")
    /// Subscription: about to open the transaction.
    public static let handlingStarts = Step.Point(rawValue: "subscription.handling.starts")
    /// Subscription: handlers have run and the offset is moved; the commit is next.
    public static let handled = Step.Point(rawValue: "subscription.handled")
    /// Subscription: effects and offset are committed.
    public static let handlingCommitted = Step.Point(rawValue: "subscription.committed")
    /// Subscription: the offset is committed to Kafka too.
    public static let offsetCommitted = Step.Point(rawValue: "subscription.offset.committed")

    /// View: records are folded into the state; of a ``StoredView`` their commit is next.
    public static let viewFolded = Step.Point(rawValue: "view.folded")
    /// View: the state and its offsets are taken for a snapshot; nothing of it is written.
    public static let snapshotTaken = Step.Point(rawValue: "view.snapshot.taken")
    /// View: the snapshot is in the place of the one before.
    public static let snapshotKept = Step.Point(rawValue: "view.snapshot.kept")
    /// Stored view: a version has taken the answering one's place; the commit is next.
    public static let versionSwapping = Step.Point(rawValue: "view.version.swapping")
    /// Stored view: that is committed.
    public static let versionSwapped = Step.Point(rawValue: "view.version.swapped")

    /// Every point, in the order of an event's life.
    public static let all: [Step.Point] = [
        .transactionStarts, .actionDone, .actionCommitted, .sendStarts, .sendAcknowledged,
        .relayClaimed, .relayCommitting, .relayAcknowledged, .relayMarking, .relayMarked,
        .received, .handlingStarts, .handled, .handlingCommitted, .offsetCommitted,
    ]

    /// Every point in the life of a view, which no event's life passes through.
    public static let ofViews: [Step.Point] = [
        .viewFolded, .snapshotTaken, .snapshotKept, .versionSwapping, .versionSwapped,
    ]
}

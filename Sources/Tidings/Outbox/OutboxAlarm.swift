/// Something about an outbox that somebody should look at, or that is over.
///
/// ```swift
/// configuration.alarms.onChange = { alarm in
///     if alarm.isRaised { pager.page("\(alarm.kind): \(alarm.message)") }
/// }
/// ```
public struct OutboxAlarm: Hashable, Sendable {
    /// What it is about. New kinds may come; switch with a default.
    public struct Kind: Hashable, Sendable, CustomStringConvertible {
        /// The kind in one word, as metrics and logs have it.
        public let description: String

        /// The oldest event that is not out has waited for long.
        public static let unsent = Kind(description: "unsent")
        /// A transaction holds things up (``OutboxHoldUp``).
        public static let holdUp = Kind(description: "hold-up")
        /// Kafka has taken nothing for long of what the relay sends.
        public static let kafkaAway = Kind(description: "kafka-away")

        /// The database keeps much of its log for an outbox that has not read it (``OutboxStatus/retainedBytes``).
        public static let retainedLog = Kind(description: "retained-log")

        static let all = [unsent, holdUp, kafkaAway, retainedLog]
    }

    /// What it is about.
    public var kind: Kind

    /// False when it is over.
    public var isRaised: Bool

    /// For how long it has been so: the age of the oldest event, of the transaction, of the oldest unanswered attempt.
    public var age: Duration

    /// What is the matter, in words.
    public var message: String

    /// An alarm as a relay raises it.
    public init(_ kind: Kind, isRaised: Bool, age: Duration, message: String) {
        self.kind = kind
        self.isRaised = isRaised
        self.age = age
        self.message = message
    }
}

/// When an ``OutboxRelay`` raises alarms, and who hears of them. Each is logged once when it is raised and once when it is
/// over, and is 1 or 0 in the metric `tidings_outbox_alarm{kind="…"}`.
///
/// The relay that has the outbox's first shard looks every third of ``OutboxRelayConfiguration/leaseDuration``.
public struct OutboxAlarms: Sendable {
    /// How long the oldest event may wait to be sent.
    public var unsentAge: Duration = .seconds(60)

    /// How long a transaction may hold things up.
    public var holdUpAge: Duration = .seconds(60)

    /// How long Kafka may take nothing of what is on its way.
    public var kafkaAwayAge: Duration = .seconds(10)

    /// How much of its log the database may keep, where the outbox is the log. On a PostgreSQL server with
    /// `max_slot_wal_keep_size` set it should be well below that: beyond it the server removes what was not read.
    public var retainedBytes = 1 << 30

    /// Called when an alarm is raised and when it is over, on the relay's task: hand on what takes time.
    public var onChange: (@Sendable (OutboxAlarm) -> Void)?

    /// The defaults.
    public init() {}
}

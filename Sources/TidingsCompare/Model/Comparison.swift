import TidingsAudit

/// The ways of sending, side by side: everything that `tidings compare` has measured.
///
/// Table, JSON and page are made of this one value, so that they cannot disagree.
public struct Comparison: Sendable, Codable {
    /// Where it was measured.
    public struct Place: Sendable, Codable {
        /// When, as RFC 3339.
        public var time: String
        /// The machine, in words.
        public var machine: String
        /// Which Kafka, in words.
        public var kafka: String
        /// Which database, in words.
        public var database: String
        /// Whether the program was built for speed; otherwise its figures say little.
        public var isRelease: Bool
    }

    /// One way, or the outbox with one setting of its relay.
    public struct Figures: Sendable, Codable {
        /// Which way.
        public var way: Way
        /// For how long the outbox's relay gathers events before it sends them, in milliseconds.
        public var gathering: Double?
        /// From the call until it returns.
        public var action: Latencies
        /// From the call until a consumer has the event.
        public var visible: Latencies
        /// From the commit until a consumer has the event; where the event comes first, from the event to the commit.
        public var afterCommit: Latencies
        /// Consumers have the event before what it tells of is true.
        public var comesBeforeCommit: Bool
        /// Events that a consumer has each second when actions go on as fast as they can; nil when they never did.
        public var throughput: Spread?
        /// The service's processor time for one event, in microseconds.
        public var cpu: Spread
        /// The service's memory, in MB, at its highest.
        public var memory: Spread
        /// Actions that failed although nothing was wrong.
        public var failures: Int
    }

    /// What became of actions while Kafka was away.
    public struct Outage: Sendable, Codable {
        public struct Row: Sendable, Codable {
            public var way: Way
            /// How many actions were called for.
            public var actions: Int
            /// Not done, and the caller was told so.
            public var refused: Int
            /// Done, and the caller waited for more than a second.
            public var delayed: Int
            /// Done, but no consumer ever heard of it.
            public var lost: Int
            /// Not done, but consumers heard of it.
            public var ghost: Int
            /// The longest that a caller waited, in milliseconds.
            public var longest: Double
            /// The longest from a call until a consumer had its event, in milliseconds, of those that came; nil when none did.
            public var latest: Double?
            /// The history behind these numbers.
            public var file: String
        }

        /// For how long, in seconds.
        public var seconds: Double
        /// How long callers were willing to wait, in seconds.
        public var patience: Double
        /// How many actions in a second.
        public var rate: Int
        /// Whether the broker was killed; otherwise the services' connections to it were cut, since it is not ours.
        public var killsBroker: Bool
        public var rows: [Row]

        /// What the outbox promises and has not kept.
        var failures: [String] {
            rows.filter { $0.way.usesRelay && $0.lost + $0.ghost > 0 }.map {
                "\($0.way) with Kafka away: \($0.lost) events lost, \($0.ghost) ghosts"
            }
        }
    }

    public var place: Place
    public var workload: Workload
    /// The three ways.
    public var ways: [Figures]
    /// The outbox, from time-sensitive to throughput.
    public var curve: [Figures]
    /// The outbox when each batch is a Kafka transaction, in a single run; nil when it was not measured.
    public var exactlyOnce: Figures?
    /// Kafka away; nil when it was not ours to take away, or not asked for.
    public var outage: Outage?
    /// What kills have shown, if they were asked for.
    public var faults: SweepReport?
    /// How long all of it took, in seconds.
    public var took: Double
    /// What follows.
    public var recommendation: Recommendation

    /// What was promised and does not hold; empty when all is well.
    public var failures: [String] { (outage?.failures ?? []) + (faults?.failures ?? []) }

    /// All that was measured, with what follows from it.
    public init(
        place: Place, workload: Workload, ways: [Figures], curve: [Figures], exactlyOnce: Figures? = nil,
        outage: Outage?, faults: SweepReport?, took: Double
    ) {
        self.place = place
        self.workload = workload
        self.ways = ways
        self.curve = curve
        self.exactlyOnce = exactlyOnce
        self.outage = outage
        self.faults = faults
        self.took = took
        recommendation = Recommendation(
            rate: workload.rate, ways: ways, curve: curve, exactlyOnce: exactlyOnce, outage: outage, faults: faults)
    }
}

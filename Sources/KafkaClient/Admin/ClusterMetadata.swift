/// What a cluster says of itself.
public struct ClusterMetadata: Hashable, Sendable {
    /// A broker of the cluster.
    public struct Broker: Hashable, Sendable {
        /// Its number.
        public let id: Int32
        /// Where it says it can be reached.
        public let host: String
        /// Its port there.
        public let port: Int
    }

    /// A partition of a topic.
    public struct Partition: Hashable, Sendable {
        /// Its number.
        public let id: Int32
        /// The broker that leads it; nil if none does at the moment.
        public let leader: Int32?
        /// The brokers that keep it.
        public let replicas: [Int32]
        /// Those of them that are up to date.
        public let inSyncReplicas: [Int32]
    }

    /// A topic.
    public struct Topic: Hashable, Sendable {
        /// Its name.
        public let name: String
        /// Its partitions, by number.
        public let partitions: [Partition]
    }

    /// The brokers, by number.
    public let brokers: [Broker]
    /// The topics that were asked for, by name.
    public let topics: [Topic]
}

/// A consumer group as its coordinator sees it.
public struct GroupDescription: Hashable, Sendable {
    /// What a group is doing.
    public enum State: String, Hashable, Sendable {
        /// The coordinator named a state this client does not know.
        case unknown = "Unknown"
        /// Members are joining.
        case preparingRebalance = "PreparingRebalance"
        /// The members have joined; partitions are being divided.
        case completingRebalance = "CompletingRebalance"
        /// Every member has its partitions.
        case stable = "Stable"
        /// There is no such group (any more).
        case dead = "Dead"
        /// It has offsets but no members.
        case empty = "Empty"
    }

    /// A member of a group.
    public struct Member: Hashable, Sendable {
        /// The id that the coordinator gave it; it changes when the member restarts.
        public let memberID: String
        /// The name it gave itself (KIP-345), if it did.
        public let groupInstanceID: String?
        /// Its `client.id`.
        public let clientID: String
        /// Where it connected from.
        public let host: String
        /// The partitions it has.
        public let assignment: [TopicPartition]
    }

    /// The group's name.
    public let groupID: String
    /// What it is doing.
    public let state: State
    /// How partitions are divided.
    public let assignor: String
    /// Who is in it.
    public let members: [Member]
}

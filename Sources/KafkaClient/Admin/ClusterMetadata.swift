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

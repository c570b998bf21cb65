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

/// A consumer group in the list of a cluster's groups.
public struct GroupListing: Hashable, Sendable {
    /// The group's name.
    public let groupID: String
    /// What it is doing.
    public let state: GroupDescription.State
    /// Whether it is nothing but offsets that somebody committed under its name: it never had members.
    public let isSimple: Bool
}

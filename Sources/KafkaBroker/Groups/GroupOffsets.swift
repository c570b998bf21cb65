import KafkaProtocol

/// A partition as groups name it.
struct TopicPartition: Hashable, Sendable, Comparable {
    var topic: String
    var partition: Int32

    static func < (left: TopicPartition, right: TopicPartition) -> Bool {
        (left.topic, left.partition) < (right.topic, right.partition)
    }
}

/// How far a group has come in a partition: the offset of the next record to read.
struct CommittedOffset: Sendable, Equatable {
    var offset: Int64
    var leaderEpoch: Int32 = -1
    var metadata = ""
    /// Wall clock, milliseconds since 1970.
    var commitTimestamp: Int64
    /// The topic it was committed for, so that a successor of the same name never meets it; zero where that is not known.
    var topicID = KafkaUUID.zero
    /// When it expires, by the wall clock, if whoever committed it said so (OffsetCommit up to version 4); else -1.
    var expireTimestamp: Int64 = -1
}

/// The committed offsets of one group. A commit becomes visible when it is on disk, and commits become visible in the
/// order in which they were written.
struct GroupOffsets: Sendable, Equatable {
    private(set) var committed: [TopicPartition: CommittedOffset] = [:]

    var isEmpty: Bool { committed.isEmpty }

    subscript(partition: TopicPartition) -> CommittedOffset? { committed[partition] }

    mutating func commit(_ offset: CommittedOffset, for partition: TopicPartition) {
        committed[partition] = offset
    }

    mutating func remove(_ partition: TopicPartition) {
        committed[partition] = nil
    }

    /// Topics in order of name, partitions in order of number.
    var byTopic: [(topic: String, partitions: [(partition: Int32, offset: CommittedOffset)])] {
        var result: [(topic: String, partitions: [(partition: Int32, offset: CommittedOffset)])] = []
        for key in committed.keys.sorted() {
            guard let offset = committed[key] else { continue }
            if result.last?.topic == key.topic {
                result[result.count - 1].partitions.append((key.partition, offset))
            } else {
                result.append((key.topic, [(key.partition, offset)]))
            }
        }
        return result
    }
}

/// Offsets that a running transaction will commit, or not: invisible until its marker.
struct PendingOffsets: Sendable, Equatable {
    private var byGroup: [String: GroupOffsets] = [:]

    mutating func add(_ offset: CommittedOffset, for partition: TopicPartition, of group: String) {
        byGroup[group, default: GroupOffsets()].commit(offset, for: partition)
    }

    mutating func remove(_ partition: TopicPartition, of group: String) {
        byGroup[group]?.remove(partition)
    }

    /// The partitions whose offset in a group may change.
    func partitions(of group: String) -> Set<TopicPartition> {
        byGroup[group].map { Set($0.committed.keys) } ?? []
    }

    var all: [(group: String, partition: TopicPartition, offset: CommittedOffset)] {
        byGroup.flatMap { group, offsets in offsets.committed.map { (group, $0.key, $0.value) } }
    }
}

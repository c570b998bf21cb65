extension Admin {
    /// The cluster's consumer groups, by name.
    ///
    /// - Throws: ``KafkaError`` if one of the brokers does not answer: the list would not be whole.
    public func listGroups() async throws -> [GroupListing] {
        try await ask { $0.listGroups(timeout: $1, answer: $2) }
    }

    /// What these groups are doing, and who is in them; a group that is not there is described as `dead`.
    public func describeGroups(_ groups: [String]) async throws -> [GroupDescription] {
        guard !groups.isEmpty else { return [] }
        return try await ask { $0.describeGroups(groups, timeout: $1, answer: $2) }
    }

    /// The offsets that a group has committed: all of them, or those of these partitions, where it has any.
    ///
    /// - Parameter isStable: an offset that an open transaction is about to commit is an error, which is retriable,
    ///   instead of the one before (KIP-447).
    public func committedOffsets(
        ofGroup group: String, partitions: [TopicPartition]? = nil, isStable: Bool = false
    ) async throws -> [TopicPartition: Int64] {
        try await ask { $0.committedOffsets(group, partitions, isStable: isStable, timeout: $1, answer: $2) }
    }

    /// Sets what a group has committed: for each partition the next offset to be read.
    ///
    /// - Throws: ``KafkaError``; `nonEmptyGroup` or `unknownMember` while the group has members.
    public func alterOffsets(ofGroup group: String, to offsets: [TopicPartition: Int64]) async throws {
        guard !offsets.isEmpty else { return }
        try await ask { $0.alterOffsets(group, offsets, timeout: $1, answer: $2) }
    }

    /// Deletes groups with all that they have committed.
    ///
    /// - Throws: the first group's error, after all were tried: `nonEmptyGroup` while it has members, `groupNotFound`.
    public func deleteGroups(_ groups: [String]) async throws {
        guard !groups.isEmpty else { return }
        try await ask { $0.deleteGroups(groups, timeout: $1, answer: $2) }
    }
}

import KafkaProtocol

extension Group {
    /// The committed offsets that nobody needs any more, by Kafka's rules: those of a group without members when it has
    /// been without them for as long as `offsets.retention.minutes` says; those of one that never had members, and those
    /// of topics that a stable group of consumers does not subscribe to, when their commit is so old. A commit begins the
    /// time anew. `pending` are being changed by a transaction.
    ///
    /// - Parameter now: wall clock, milliseconds since 1970.
    func expiredOffsets(now: Int64, pending: Set<TopicPartition>) -> [TopicPartition] {
        let since: (TopicPartition, CommittedOffset) -> Int64?
        if protocolType == nil {
            since = { _, offset in offset.commitTimestamp }
        } else if state == .empty {
            since = { [emptySince] _, offset in max(emptySince ?? 0, offset.commitTimestamp) }
        } else if state == .stable, let subscribedTopics {
            since = { key, offset in subscribedTopics.contains(key.topic) ? nil : offset.commitTimestamp }
        } else {
            return []
        }
        return offsets.committed.filter { key, offset in
            guard !pending.contains(key), let since = since(key, offset) else { return false }
            if offset.expireTimestamp >= 0 { return now >= offset.expireTimestamp }
            return now - since >= limits.offsetsRetention
        }.map(\.key).sorted()
    }

    /// Whether an administrator may remove the group, and with it all that it committed.
    var deletionRefusal: ErrorCode? { state == .empty ? nil : .nonEmptyGroup }

    /// Whether nothing is left of the group but its generation.
    var isSpent: Bool { state == .empty && isForgettable }
}

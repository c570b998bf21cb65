/// What follows from a transaction: all of a batch is out, or nothing is.
extension RelaySettlement {
    static func sent(_ entries: [OutboxEntry]) -> RelaySettlement {
        RelaySettlement(OutboxSettlement(batches: [entries[0].batch], sent: entries))
    }

    /// These leave the batch for good; the rest of it is sent next, under the same stamps.
    static func parked(_ parked: [OutboxParking], of entries: [OutboxEntry]) -> RelaySettlement {
        let gone = Set(parked.map(\.entry.sequence))
        let rest = entries.filter { !gone.contains($0.sequence) }
        return RelaySettlement(OutboxSettlement(batches: [entries[0].batch], parked: parked, kept: rest))
    }

    /// Nothing is known to be out; the batch stays as it is.
    static func waiting(_ entries: [OutboxEntry], for obstacle: SendFailure?) -> RelaySettlement {
        var result = RelaySettlement(OutboxSettlement(batches: [entries[0].batch], kept: entries))
        result.obstacle = obstacle
        result.retries = obstacle == nil ? 0 : entries.count
        return result
    }

    /// Nothing is out. What Kafka will never take is parked, and what is behind it in its key; what it does not take now
    /// leaves the batch, with what is behind it, and is in a later one; the rest stays and is sent next.
    static func refused(_ refusals: [Int: SendFailure], of entries: [OutboxEntry]) -> RelaySettlement {
        var result = RelaySettlement(OutboxSettlement(batches: [entries[0].batch]))
        var blocked: Set<KeyOfTopic> = []
        var waiting: Set<KeyOfTopic> = []
        for (place, entry) in entries.enumerated() {
            let key = KeyOfTopic(entry.record)
            if let key, blocked.contains(key) {
                result.settlement.parked.append(.behind(entry))
            } else if let key, waiting.contains(key) {
                result.retries += 1
            } else if let refusal = refusals[place] {
                if refusal.isRetriable {
                    result.obstacle = result.obstacle ?? refusal
                    result.retries += 1
                    if let key { waiting.insert(key) }
                } else {
                    result.settlement.parked.append(OutboxParking(entry: entry, reason: refusal.message))
                    if let key { blocked.insert(key) }
                }
            } else {
                result.settlement.kept.append(entry)
            }
        }
        return result
    }
}

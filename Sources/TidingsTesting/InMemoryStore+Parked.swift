import Tidings

extension InMemoryStore {
    public func parkedEvents(_ selection: ParkedSelection, in transaction: Transaction) throws -> [ParkedEvent] {
        let all = transaction.tables.parkedEvents.sorted { $0.sequence < $1.sequence }
        switch selection {
        case .page(let after, let limit): return Array(all.filter { $0.sequence > after }.prefix(max(0, limit)))
        case .causes(let after, let limit):
            return Array(all.filter { $0.sequence > after && !$0.isBehind }.prefix(max(0, limit)))
        case .event(let sequence): return all.filter { $0.sequence == sequence }
        case .key(let key, let topic): return all.filter { $0.record.key == key && $0.record.topic == topic }
        }
    }

    public func removeParked(_ sequences: [Int64], in transaction: Transaction) throws {
        transaction.tables.parkedEvents.removeAll { sequences.contains($0.sequence) }
    }

    public func takeWaiting(like record: EventRecord, in transaction: Transaction) throws -> [EventRecord] {
        guard record.key != nil else { return [] }
        func isLike(_ entry: OutboxEntry) -> Bool {
            entry.record.key == record.key && entry.record.topic == record.topic
        }
        defer { transaction.tables.outbox.removeAll(where: isLike) }
        return transaction.tables.outbox.filter(isLike).map(\.record)
    }

    public func keepSkipped(_ event: ParkedEvent, note: String, in transaction: Transaction) throws {
        transaction.tables.skippedEvents.append(SkippedEvent(event: event, skippedAt: .now(), note: note))
    }

    public func skippedEvents(after sequence: Int64, limit: Int, in transaction: Transaction) throws -> [SkippedEvent] {
        let later = transaction.tables.skippedEvents.filter { $0.event.sequence > sequence }
        return Array(later.sorted { $0.event.sequence < $1.event.sequence }.prefix(max(0, limit)))
    }

    public func removeSent(before time: Timestamp, limit: Int, in transaction: Transaction) throws -> Int {
        let old = transaction.tables.sentEvents.prefix { $0.at < time }.prefix(max(0, limit)).count
        transaction.tables.sentEvents.removeFirst(old)
        return old
    }
}

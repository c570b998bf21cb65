import Tidings

extension InMemoryStore {
    public func park(_ record: ParkedRecord, in transaction: Transaction) throws {
        let before = transaction.tables.deadLetters.firstIndex {
            $0.record.place == record.place && $0.record.offset == record.offset
        }
        let number = before.map { transaction.tables.deadLetters.remove(at: $0).number }
        if number == nil { transaction.tables.lastLetter += 1 }
        transaction.tables.deadLetters.append(
            DeadLetter(
                number: number ?? transaction.tables.lastLetter, record: record, parkedAt: .now(), isRetrying: false))
    }

    public func parkedOffsets(
        among keys: Set<[UInt8]>, of place: GroupPartition, in transaction: Transaction
    ) throws -> [[UInt8]: Int64] {
        var offsets: [[UInt8]: Int64] = [:]
        for record in transaction.tables.deadLetters.map(\.record) where record.place == place.undivided {
            guard let key = record.key, keys.contains(key) else { continue }
            offsets[key] = min(offsets[key] ?? .max, record.offset)
        }
        return offsets
    }

    public func removeParked(_ offsets: [Int64], of place: GroupPartition, in transaction: Transaction) throws -> Int {
        let before = transaction.tables.deadLetters.count
        transaction.tables.deadLetters.removeAll {
            $0.record.place == place.undivided && offsets.contains($0.record.offset)
        }
        return before - transaction.tables.deadLetters.count
    }

    public func deadLetters(_ selection: DeadLetterSelection, in transaction: Transaction) throws -> [DeadLetter] {
        let all = transaction.tables.deadLetters.sorted { $0.number < $1.number }
        func ofGroup(_ letter: DeadLetter, _ group: String?, after: Int64) -> Bool {
            letter.number > after && (group == nil || letter.record.place.group == group)
        }
        func inOrder(_ limit: Int, _ isWanted: (DeadLetter) -> Bool) -> [DeadLetter] {
            Array(all.filter(isWanted).sorted { $0.record.offset < $1.record.offset }.prefix(max(0, limit)))
        }
        switch selection {
        case .page(let after, let limit, let group):
            return Array(all.filter { ofGroup($0, group, after: after) }.prefix(max(0, limit)))
        case .causes(let after, let limit, let group):
            return Array(all.filter { ofGroup($0, group, after: after) && !$0.isBehind }.prefix(max(0, limit)))
        case .letter(let number):
            return all.filter { $0.number == number }
        case .key(let key, let place, let limit):
            return inOrder(limit) { $0.record.place == place.undivided && $0.record.key == key }
        case .retrying(let place, let limit):
            return inOrder(limit) { $0.record.place == place.undivided && $0.isRetrying }
        }
    }

    public func deadLetterCounts(
        of group: String, in transaction: Transaction
    ) throws -> [GroupPartition: DeadLetterCount] {
        let causes = transaction.tables.deadLetters.filter { $0.record.place.group == group && !$0.isBehind }
        return Dictionary(grouping: causes, by: \.record.place).mapValues { letters in
            DeadLetterCount(causes: letters.count, retrying: letters.count { $0.isRetrying })
        }
    }

    public func setRetrying(_ isRetrying: Bool, _ number: Int64, in transaction: Transaction) throws {
        for index in transaction.tables.deadLetters.indices
        where transaction.tables.deadLetters[index].number == number {
            transaction.tables.deadLetters[index].isRetrying = isRetrying
        }
    }

    public func keepSkipped(_ letter: DeadLetter, note: String, in transaction: Transaction) throws {
        transaction.tables.skippedLetters.append(SkippedDeadLetter(letter: letter, skippedAt: .now(), note: note))
    }

    public func skippedDeadLetters(
        after number: Int64, limit: Int, in transaction: Transaction
    ) throws -> [SkippedDeadLetter] {
        let later = transaction.tables.skippedLetters.filter { $0.letter.number > number }
        return Array(later.sorted { $0.letter.number < $1.letter.number }.prefix(max(0, limit)))
    }
}

extension GroupPartition {
    var undivided: GroupPartition { GroupPartition(group: group, topic: topic, partition: partition) }
}

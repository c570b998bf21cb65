import Logging

/// Parked records that somebody wants tried again.
///
/// They are tried by whoever has the partition, in the lane of their key, so that nothing else of the key is under way.
/// The stored offset is compared, and stays: an instance that has lost the partition is refused, as with any record.
extension PartitionHandling {
    /// What of a partition is to be tried again: of each key at most the first record.
    func lettersToRetry(of place: GroupPartition, limit: Int, stop: Latch) async throws -> [DeadLetter] {
        let (store, place) = (store, place.undivided)
        return try await persistently(stop) {
            try await store.transaction { try store.deadLetters(.retrying(of: place, limit: limit), in: $0) }
        }
    }

    /// Tries letters of one lane, each followed by those that are parked behind it.
    ///
    /// - Parameter limit: at most so many records.
    /// - Returns: false when there is more to do.
    /// - Throws: a database error that will not pass by itself; `CancellationError`.
    func retry(
        _ letters: [DeadLetter], of place: GroupPartition, from state: LaneState, limit: Int, stop: Latch
    ) async throws -> Bool {
        var count = 0
        do {
            for letter in letters {
                var next: DeadLetter? = letter
                while let letter = next {
                    guard count < limit, !stop.isOpen else { return false }
                    count += 1
                    next = try await retry(letter, of: place, from: state, stop: stop)
                }
            }
        } catch is StaleOffset {
            // The partition has moved on elsewhere; the next batch finds out where to.
            metrics.refused()
        }
        return true
    }

    /// - Returns: the next of its key that is to be tried.
    private func retry(
        _ letter: DeadLetter, of place: GroupPartition, from state: LaneState, stop: Latch
    ) async throws -> DeadLetter? {
        let delivery = Delivery(letter.record)
        var attempt = Attempt()
        while true {
            try Task.checkCancellation()
            if stop.isOpen { return nil }
            do {
                let fate = if let verdict = attempt.verdict { verdict } else { try await fate(of: delivery) }
                return try await settle(letter, delivery, as: fate, of: place, from: state)
            } catch let failure as HandlerFailure {
                guard try await judge(failure.error, of: delivery, &attempt, stop) else { return nil }
            } catch  where store.isRetriable(error) {
                guard try await wait(for: error, &attempt, stop) else { return nil }
            }
        }
    }

    private func settle(
        _ letter: DeadLetter, _ delivery: Delivery, as fate: Item.Fate, of place: GroupPartition, from state: LaneState
    ) async throws -> DeadLetter? {
        let (store, probe, destination) = (store, probe, configuration.deadLetters)
        let events = delivery.eventID.map { [$0] } ?? []
        probe?.reached(Step(.handlingStarts, events))
        let start = ContinuousClock.now
        let item = Item(delivery: delivery, fate: fate)
        let (next, isParked) = try await transaction(with: [item]) { transaction -> (DeadLetter?, Bool) in
            guard let offset = state.offset, try store.advance(place, from: offset, to: offset, in: transaction) else {
                throw StaleOffset()
            }
            // Somebody may have decided otherwise meanwhile.
            guard try !store.deadLetters(.letter(letter.number), in: transaction).isEmpty else { return (nil, false) }
            if case .park(let reason, let attempts) = fate {
                var record = letter.record
                record.reason = reason
                record.attempts += attempts
                try store.park(record, in: transaction)
                if let topic = destination.topic { try store.append(record.letter(to: topic), in: transaction) }
                probe?.reached(Step(.handled, events))
                return (nil, true)
            }
            _ = try store.removeParked([delivery.offset], of: letter.record.place, in: transaction)
            if case .run(let work) = fate {
                do {
                    try work(transaction)
                } catch {
                    throw HandlerFailure(index: 0, error: error)
                }
            }
            let next = try store.retryNext(after: letter, in: transaction)
            probe?.reached(Step(.handled, events))
            return (next, false)
        }
        probe?.reached(Step(.handlingCommitted, events))
        metrics.retried(isParked: isParked, in: ContinuousClock.now - start)
        return next
    }
}

extension GroupPartition {
    /// The partition as a whole.
    var undivided: GroupPartition { GroupPartition(group: group, topic: topic, partition: partition) }
}

extension Delivery {
    /// A parked record as its handler sees it: as when it came from Kafka.
    init(_ record: ParkedRecord) {
        self.init(
            topic: record.place.topic, partition: record.place.partition, offset: record.offset,
            timestamp: record.timestamp, key: record.key, value: record.value, headers: record.headers)
    }
}

import Foundation
import Logging
import Tidings
import TidingsPostgres
import TidingsSQLite

/// What an event costs its transaction: the rate of transactions that write an order, of one row or several, and append an
/// event, beside that of transactions that only write the order, in turns.
struct OutboxWriter {
    let sources: [OutboxSource]
    let rows: [Int]
    let repeats: Int
    let seconds: Double
    let writers: Int
    let site: OutboxSite

    func run() async throws {
        print("\nTransactions/s with an event and without, \(writers) writers, in turns of \(seconds) s.\n")
        for source in sources {
            for rows in rows {
                try await site.withStore(source) { store in try await compare(source.name, rows, store) }
            }
        }
    }

    private func compare<S: BenchStore>(_ name: String, _ rows: Int, _ store: S) async throws {
        let publisher = Publisher(store: store, source: "/bench")
        let topic = Topic<Placed>("orders")
        let without: @Sendable (Int) async throws -> Void = { number in
            try await store.transaction { db in
                for _ in 0..<rows { try store.insertOrder(number, in: db) }
            }
        }
        let with: @Sendable (Int) async throws -> Void = { number in
            try await publisher.publish(Placed(number), to: topic) { db in
                for _ in 0..<rows { try store.insertOrder(number, in: db) }
            }
        }
        var (plain, eventful, ratios): ([Double], [Double], [Double]) = ([], [], [])
        for repetition in 0...repeats {
            // Who goes first changes with every repetition.
            let isPlainFirst = repetition.isMultiple(of: 2)
            let first = try await rate(isPlainFirst ? without : with)
            let second = try await rate(isPlainFirst ? with : without)
            if repetition == 0 { continue }
            let (bare, event) = isPlainFirst ? (first, second) : (second, first)
            plain.append(bare)
            eventful.append(event)
            ratios.append(event / bare)
        }
        print(
            "\(name.padded(18)) \(rows) rows: with \(Spread(eventful).text(0))   without \(Spread(plain).text(0))   "
                + "with/without \(Spread(ratios).text(2))")
    }

    private func rate(_ act: @escaping @Sendable (Int) async throws -> Void) async throws -> Double {
        let started = ContinuousClock.now
        let end = started + .seconds(seconds)
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    var count = 0
                    while ContinuousClock.now < end {
                        try await act(writer + count * writers)
                        count += 1
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / (ContinuousClock.now - started).seconds
    }
}

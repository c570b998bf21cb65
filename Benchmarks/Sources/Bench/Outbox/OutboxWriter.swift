import Foundation
import Logging
import Tidings
import TidingsPostgres
import TidingsSQLite

/// What an event costs its transaction: the rate of transactions that do what a service does and append an event,
/// beside that of transactions without one, in turns.
struct OutboxWriter {
    let sources: [OutboxSource]
    let actions: [WriterAction]
    let repeats: Int
    let seconds: Double
    let writers: Int
    let site: OutboxSite

    func run() async throws {
        print("\nTransactions/s with an event and without, \(writers) writers, in turns of \(seconds) s.\n")
        for source in sources {
            for action in actions {
                try await site.withStore(source) { store in try await compare(source.name, action, store) }
            }
        }
    }

    private func compare<S: BenchStore>(_ name: String, _ action: WriterAction, _ store: S) async throws {
        let publisher = Publisher(store: store, source: "/bench")
        let topic = Topic<Placed>("orders")
        let without: @Sendable (Int) async throws -> Void = { number in
            try await store.transaction { db in
                try store.act(action, number, in: db)
            }
        }
        let with: @Sendable (Int) async throws -> Void = { number in
            let event = action == .order ? Placed(orderWithLines: number) : Placed(number)
            try await publisher.publish(event, to: topic) { db in
                try store.act(action, number, in: db)
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
            "\(name.padded(18)) \(action.rawValue.padded(6)) with \(Spread(eventful).text(0))   without \(Spread(plain).text(0))   "
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

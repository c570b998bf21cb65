import Tidings
import TidingsAudit

@testable import TidingsCompare

/// Comparisons made up for tests.
enum Forged {
    /// Figures whose runs lie close together, in milliseconds; `visible` counts from the commit, 0.3 ms after the call.
    static func figures(
        _ way: Way, action: Double, visible: Double, gathering: Double? = nil, cpu: Double = 100,
        throughput: Double? = 5000, failures: Int = 0
    ) -> Comparison.Figures {
        func nanoseconds(_ milliseconds: Double) -> [Int64] {
            (0..<1000).map { Int64(milliseconds * 1e6 * (0.9 + 0.2 * Double($0) / 1000)) }
        }
        let runs = [0.99, 1, 1.01].map { factor in
            LoadRun.Result(
                action: nanoseconds(action * factor), visible: nanoseconds((visible + 0.3) * factor),
                afterCommit: nanoseconds(visible * factor).map { way == .beforeAction ? -$0 : $0 },
                throughput: throughput.map { $0 * factor }, cpu: cpu * factor, memory: 30_000_000, failures: failures)
        }
        return Comparison.Figures(way, gathering: gathering, runs)
    }

    static func comparison(
        outbox: Comparison.Figures = figures(.outbox, action: 0.5, visible: 1.6),
        curve: [Comparison.Figures] = [], exactlyOnce: Comparison.Figures? = nil, outage: Comparison.Outage? = nil,
        faults: SweepReport? = nil, throughput: Double? = 5000
    ) -> Comparison {
        Comparison(
            place: Comparison.Place(
                time: "2026-01-01T00:00:00Z", machine: "a <machine>", kafka: "Kafka at k:9092", database: "SQLite",
                isRelease: true),
            workload: Workload(),
            ways: [
                figures(.afterAction, action: 1.2, visible: 1.4, throughput: throughput),
                figures(.beforeAction, action: 1.3, visible: 0.8, throughput: throughput), outbox,
            ],
            curve: curve, exactlyOnce: exactlyOnce, outage: outage, faults: faults, took: 112.4)
    }

    static let curve = [
        figures(.outbox, action: 0.5, visible: 1.6, gathering: 0, cpu: 400),
        figures(.outbox, action: 0.5, visible: 4, gathering: 2, cpu: 200),
        figures(.outbox, action: 0.5, visible: 14, gathering: 10, cpu: 150),
        figures(.outbox, action: 0.5, visible: 55, gathering: 50, cpu: 140),
    ]

    static let outage = Comparison.Outage(
        seconds: 10, patience: 3, rate: 50, killsBroker: true,
        rows: [
            Comparison.Outage.Row(
                way: .afterAction, actions: 800, refused: 0, delayed: 501, lost: 350, ghost: 0, longest: 3012,
                latest: 3108,
                file: "/histories/after.json"),
            Comparison.Outage.Row(
                way: .beforeAction, actions: 800, refused: 350, delayed: 499, lost: 0, ghost: 3, longest: 3009,
                latest: 3033,
                file: "/histories/before.json"),
            Comparison.Outage.Row(
                way: .outbox, actions: 800, refused: 0, delayed: 0, lost: 0, ghost: 0, longest: 14, latest: 10_312,
                file: "/histories/outbox.json"),
        ])

    /// A history in which all is well: ten events of two keys.
    static func history(_ trial: Trial) -> TrialHistory {
        var facts: [Fact] = []
        for number in 0..<10 {
            let (event, key) = (EventID("e\(number)"), "k\(number % 2)")
            facts.append(.actionCommitted(event: event, key: key, sequence: Int64(number)))
            facts.append(.eventVisible(event: event, key: key, partition: 0, offset: Int64(number)))
            facts.append(.effect(event: event, key: key, reader: "reader"))
        }
        return TrialHistory(trial, History(facts), kills: 1)
    }
}

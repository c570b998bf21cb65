import Tidings

/// Which trials a sweep is made of.
public struct SweepPlan: Sendable {
    /// The trials, in order.
    public var trials: [Trial]

    /// Every named step that a way takes, and every other fault, for these ways on these databases.
    ///
    /// - Parameters:
    ///   - seeds: one trial of kills at random moments for each.
    ///   - harmsKafka: whether there is a broker that may be killed.
    public static func everything(
        _ ways: [Way] = Way.allCases, on databases: [SweepDatabase], seeds: [UInt64] = [1, 2, 3],
        harmsKafka: Bool = true
    ) -> SweepPlan {
        var trials: [Trial] = []
        for database in databases {
            for way in ways {
                var faults: [Fault] = [.nothing]
                faults += steps(of: way).map { .kill(step: $0.rawValue, time: times[$0] ?? 2) }
                faults += [.actionFails, .databaseAway]
                if database.restart != nil { faults.append(.databaseKilled) }
                if harmsKafka { faults += [.brokerKilled, .kafkaAway] }
                faults += seeds.map { .randomKills(seed: $0) }
                trials += faults.map { Trial(way, on: database.name, $0) }
            }
        }
        return SweepPlan(trials: trials)
    }

    /// A few that show what each way is about, in less than a minute.
    public static func sample(on database: SweepDatabase, seed: UInt64 = 1) -> SweepPlan {
        func trial(_ way: Way, _ fault: Fault) -> Trial { Trial(way, on: database.name, fault) }
        func kill(_ point: Step.Point) -> Fault { .kill(step: point.rawValue, time: times[point] ?? 2) }
        return SweepPlan(trials: [
            trial(.afterAction, kill(.actionCommitted)), trial(.afterAction, .actionFails),
            trial(.beforeAction, kill(.sendAcknowledged)), trial(.beforeAction, .actionFails),
            trial(.outbox, kill(.actionDone)), trial(.outbox, kill(.actionCommitted)), trial(.outbox, .actionFails),
            trial(.outbox, kill(.relayAcknowledged)), trial(.outbox, kill(.handled)),
            trial(.outboxExactlyOnce, kill(.relayCommitting)), trial(.outboxExactlyOnce, kill(.relayAcknowledged)),
            trial(.outboxExactlyOnce, .brokerKilled), trial(.outboxExactlyOnce, .randomKills(seed: seed)),
        ])
    }

    /// The steps that a way takes, in the order of an event's life.
    public static func steps(of way: Way) -> [Step.Point] {
        Step.Point.all.filter { point in
            switch point {
            case .sendStarts, .sendAcknowledged: !way.usesRelay
            case .relayCommitting: way == .outboxExactlyOnce
            default: way.usesRelay || !point.rawValue.hasPrefix(Role.Name.relay.stepPrefix)
            }
        }
    }

    /// Where a step must come more often, or may come only once: a publisher is struck in the middle of its work, and
    /// Kafka may hand everything out at once.
    private static let times: [Step.Point: Int] = [
        .transactionStarts: 10, .actionDone: 10, .actionCommitted: 10, .sendStarts: 10, .sendAcknowledged: 10,
        .received: 1, .offsetCommitted: 1,
    ]
}

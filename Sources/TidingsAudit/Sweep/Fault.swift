import Tidings

/// What is done to a system in a trial.
public enum Fault: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Nothing: what goes wrong here goes wrong always.
    case nothing
    /// The process that reaches a step for the n-th time is killed (SIGKILL) right there, and started again.
    case kill(step: String, time: Int)
    /// Publisher, relay and handler are killed again and again, at moments that the seed decides.
    case randomKills(seed: UInt64)
    /// Some actions fail: the database refuses what breaks a constraint.
    case actionFails
    /// For a while the writer's database lets nobody do anything.
    case databaseAway
    /// The database's server is killed and started again.
    case databaseKilled
    /// The broker is killed and started again at once.
    case brokerKilled
    /// The broker is killed, and started again after a while.
    case kafkaAway

    /// Who is killed by a kill at a step.
    var struckRole: Role.Name? {
        guard case .kill(let step, _) = self else { return nil }
        return Role.Name.allCases.first { step.hasPrefix($0.stepPrefix) }
    }

    /// Whether the trial needs a broker that nobody else uses.
    var harmsBroker: Bool { self == .brokerKilled || self == .kafkaAway }

    /// Whether the trial needs a database server that nobody else uses.
    var harmsServer: Bool { self == .databaseKilled }

    /// What ``KillProbe`` is told.
    var killAt: String? {
        guard case .kill(let step, let time) = self else { return nil }
        return "\(step):\(time)"
    }

    /// For names of files.
    var slug: String {
        switch self {
        case .nothing: "nothing"
        case .kill(let step, let time): "kill-\(step)-\(time)"
        case .randomKills(let seed): "random-kills-\(seed)"
        case .actionFails: "action-fails"
        case .databaseAway: "database-away"
        case .databaseKilled: "database-killed"
        case .brokerKilled: "broker-killed"
        case .kafkaAway: "kafka-away"
        }
    }

    public var description: String {
        switch self {
        case .nothing: "nothing"
        case .kill(let step, _): "killed at \(step)"
        case .randomKills(let seed): "killed at random moments, seed \(seed)"
        case .actionFails: "actions fail"
        case .databaseAway: "database away"
        case .databaseKilled: "database server killed"
        case .brokerKilled: "broker killed"
        case .kafkaAway: "Kafka away"
        }
    }
}

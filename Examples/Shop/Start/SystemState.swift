import Tidings

/// What is known of the whole shop at one moment; parts that do not answer are nil.
struct SystemState: Codable, Sendable {
    /// The processes that run, as the supervisor started them.
    var processes: [ProcessEntry]
    /// Those that have ended: they are about to be started again, unless someone stopped them.
    var down: [ProcessEntry]
    var orders: OrderStatus?
    var shipments: ConsumerStatus?
    var invoices: ConsumerStatus?
    var statistics: StatisticsStatus?
    /// The topic's name.
    var topic: String
    /// The topic's partitions; nil while Kafka does not answer.
    var partitions: [PartitionState]?

    /// How a process stands.
    enum Standing: Sendable {
        case running, starting, startingAgain, down, stopped
    }

    /// The consumers of a group in the order of their names, whether they own a partition or not.
    func consumers(of group: String) -> [String] {
        let owners = (partitions ?? []).compactMap { $0.owner(in: group)?.instance }
        let known = (processes + down).filter { $0.role == group }.map(\.name)
        return Set(owners + known).sorted()
    }

    /// How a process stands; one that no supervisor told of runs, since something speaks for it.
    func standing(of name: String) -> Standing {
        if let entry = down.first(where: { $0.name == name }) { return entry.isStopped ? .stopped : .down }
        if let entry = processes.first(where: { $0.name == name }) {
            // Whatever is started again has ended before.
            return entry.isReady ? .running : entry.endedAt == nil ? .starting : .startingAgain
        }
        return processes.isEmpty ? .running : .stopped
    }

    /// How many events the statistics have yet to read; nil when they or Kafka do not answer.
    var statisticsLag: Int64? {
        guard let statistics, let partitions else { return nil }
        return partitions.reduce(0) { $0 + max(0, $1.endOffset - (statistics.offsets[$1.partition] ?? 0)) }
    }

    /// For how long the oldest unsent event has been waiting, in milliseconds.
    func oldestWait(at now: Timestamp = .now()) -> Int64? {
        orders?.oldestWaitingAt.map { max(0, now.millisecondsSince1970 - $0) }
    }
}

/// How the statistics stand, of what they say of themselves.
struct StatisticsStatus: Codable, Sendable {
    var ready: Bool
    var orders: Int
    var records: Int64
    /// How long reading history took, or takes by now.
    var milliseconds: Int64
    var offsets: [Int: Int64]
    /// A state that is built anew beside the one that answers; nil while there is none.
    var rebuild: Rebuild?

    struct Rebuild: Codable, Sendable {
        var records: Int64
        var remaining: Int64
        var milliseconds: Int64
    }
}

/// One partition of the topic and who reads it.
struct PartitionState: Codable, Sendable {
    var partition: Int
    /// How many records it has ever received.
    var endOffset: Int64
    var owners: [PartitionOwner]

    /// Takes what a service's own database says of how far it is: Kafka hears of that only twice a second.
    mutating func note(_ handled: [Int: Int64], by group: String) {
        guard let next = handled[partition] else { return }
        for index in owners.indices where owners[index].group == group {
            owners[index].lag = min(owners[index].lag, max(0, endOffset - next))
        }
    }

    func owner(in group: String) -> PartitionOwner? { owners.first { $0.group == group } }
}

/// A consuming service's place in a partition.
struct PartitionOwner: Codable, Sendable {
    /// The service: its group's name without the prefix.
    var group: String
    /// The instance that reads it, such as `invoicing-2`; nil while nobody does.
    var instance: String?
    /// How many records of the partition it has yet to handle.
    var lag: Int64
}

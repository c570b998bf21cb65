import Tidings

/// What is known of the whole shop at one moment; parts that do not answer are nil.
struct SystemState: Codable, Sendable {
    /// The processes that run, as the supervisor started them.
    var processes: [ProcessEntry]
    /// Those that have ended and are about to be started again.
    var down: [ProcessEntry]
    var orders: OrderStatus?
    var shipments: ConsumerStatus?
    var invoices: ConsumerStatus?
    /// The topic's name.
    var topic: String
    /// The topic's partitions; nil while Kafka does not answer.
    var partitions: [PartitionState]?

    /// The consumers of a group in the order of their names, whether they own a partition or not.
    func consumers(of group: String) -> [String] {
        let owners = (partitions ?? []).compactMap { $0.owner(in: group)?.instance }
        let known = (processes + down).filter { $0.role == group }.map(\.name)
        return Set(owners + known).sorted()
    }

    func isDown(_ name: String) -> Bool { down.contains { $0.name == name } }
}

/// One partition of the topic and who reads it.
struct PartitionState: Codable, Sendable {
    var partition: Int
    /// How many records it has ever received.
    var endOffset: Int64
    var owners: [PartitionOwner]

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

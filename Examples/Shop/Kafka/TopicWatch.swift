import KafkaClient
import Logging

/// Asks Kafka who reads which partition of the topic, and how far they are.
struct TopicWatch: Sendable {
    let topic: String
    private let shop: ShopOptions
    private let admin: Admin
    private let logger: Logger

    init(_ shop: ShopOptions, logger: Logger) throws {
        self.shop = shop
        topic = shop.topic
        admin = try Admin(shop.kafkaConfiguration(client: "start"), timeout: .seconds(2), logger: logger)
        self.logger = logger
    }

    /// The topic's partitions with their owners in each of the services; nil while Kafka does not answer.
    func partitions(services: [String]) async -> [PartitionState]? {
        do {
            return try await ask(services)
        } catch {
            logger.debug("Kafka does not answer", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func ask(_ services: [String]) async throws -> [PartitionState] {
        let known = (0..<Int32(ShopTopics.partitions)).map { TopicPartition(topic, $0) }
        let ranges = try await admin.watermarks(known)
        let groups = services.map(shop.group)
        let descriptions = try await admin.describeGroups(groups)
        var committed: [String: [TopicPartition: Int64]] = [:]
        for group in groups { committed[group] = try await admin.committedOffsets(ofGroup: group) }
        return known.map { partition in
            let end = ranges[partition]?.upperBound ?? 0
            let start = ranges[partition]?.lowerBound ?? 0
            let owners = zip(services, groups).map { service, group in
                let member = descriptions.first { $0.groupID == group }?.members
                    .first { $0.assignment.contains(partition) }
                return PartitionOwner(
                    group: service, instance: member.map { $0.groupInstanceID ?? $0.clientID },
                    lag: max(0, end - (committed[group]?[partition] ?? start)))
            }
            return PartitionState(partition: Int(partition.partition), endOffset: end, owners: owners)
        }
    }
}

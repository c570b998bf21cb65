import KafkaClient
import Logging
import ServiceLifecycle
import Tidings

/// Counts what compaction has left in the customers' topic, by reading it as a new reader would.
actor CompactionWatch: Service {
    struct Count: Sendable, Equatable {
        /// How many records were ever written.
        var written: Int64
        /// How many of them are left.
        var left: Int64
    }

    private let shop: ShopOptions
    private let admin: Admin
    private let logger: Logger
    private var writtenAt = ContinuousClock.now
    private(set) var count: Count?

    private static let pace: Duration = .seconds(3)
    /// So long after the last record the cleaner may still come.
    private static let patience: Duration = .seconds(60)
    private static let longestRead: Duration = .seconds(5)

    init(_ shop: ShopOptions, logger: Logger) throws {
        self.shop = shop
        self.logger = logger
        admin = try Admin(shop.kafkaConfiguration(client: "start"), timeout: .seconds(2), logger: logger)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.look()
                try? await Task.sleep(for: Self.pace)
            }
        }
    }

    private func look() async {
        guard let written = await written() else { return }
        if written != count?.written { writtenAt = .now }
        guard ContinuousClock.now - writtenAt < Self.patience, let left = await read() else { return }
        count = Count(written: written, left: left)
    }

    /// As it is now; nil while Kafka does not answer.
    func measure() async -> Count? {
        guard let written = await written(), let left = await read() else { return nil }
        count = Count(written: written, left: left)
        return count
    }

    private func written() async -> Int64? {
        let partitions = (0..<Int32(ShopTopics.partitions)).map { TopicPartition(shop.customerTopic, $0) }
        return try? await admin.watermarks(partitions).values.reduce(0) { $0 + $1.upperBound }
    }

    /// Reads all records that are there; nil when that takes too long.
    private func read() async -> Int64? {
        // One every few seconds: what each says of itself is of no interest.
        var quiet = logger
        quiet.logLevel = max(.warning, logger.logLevel)
        let view = View(
            shop.group("count"), of: [shop.customerTopic], initial: Int64(0),
            kafka: shop.kafkaConfiguration(client: "start"), logger: quiet)
        view.foldRecords { count, _ in count += 1 }
        return await withTaskGroup(of: Int64?.self) { tasks in
            tasks.addTask {
                try? await view.run()
                return nil
            }
            tasks.addTask { try? await view.readWhenReady { $0 } }
            tasks.addTask {
                try? await Task.sleep(for: Self.longestRead)
                return nil
            }
            let count = await tasks.next() ?? nil
            tasks.cancelAll()
            return count
        }
    }
}

import KafkaClient
import Logging

/// Asks, before anything is started, whether what the shop is to use is there.
extension ShopOptions {
    private static let patience: Duration = .seconds(5)

    /// - Throws: ``ShopError`` with the address and the reason, when no broker answers at the address of `--kafka`.
    func reachKafka() async throws {
        guard kafka != nil else { return }
        let heard = LastWords()
        do {
            let admin = try Admin(kafkaConfiguration(client: "check"), timeout: Self.patience, logger: heard.logger)
            // Asks for no topic: whoever answers is there.
            _ = try await admin.metadata(topics: [])
        } catch {
            throw ShopError(
                """
                No broker answers at \(bootstrapServers.joined(separator: ",")): \(heard.text ?? "\(error)").
                Is it running? Without --kafka the shop runs a broker of its own.
                """)
        }
    }

    /// - Throws: ``ShopError`` with the address and the reason, when no PostgreSQL answers at the address of `--database`.
    func reachDatabase() async throws {
        try await databaseServer?.reach(
            within: Self.patience, logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() })
    }
}

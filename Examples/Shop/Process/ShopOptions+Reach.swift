import KafkaClient
import Logging
import Synchronization

/// Asks, before anything is started, whether what the shop is to use is there.
extension ShopOptions {
    private static let patience: Duration = .seconds(5)

    /// - Throws: ``ShopError`` with the address and the reason, when no broker answers at the address of `--kafka`.
    func reachKafka() async throws {
        guard kafka != nil else { return }
        let heard = LastWords()
        do {
            let admin = try Admin(
                kafkaConfiguration(client: "check"), timeout: Self.patience,
                logger: Logger(label: "check") { _ in heard })
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

/// Prints nothing, and keeps why a connection could not be made.
private final class LastWords: LogHandler {
    private let last = Mutex<String?>(nil)

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .warning }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let message = "\(event.message)"
        // Why each of them is down was said before.
        last.withLock { if $0 == nil || !message.hasSuffix("brokers are down") { $0 = message } }
    }

    /// Without librdkafka's names for its threads in front, and its clock behind.
    var text: String? {
        last.withLock { $0 }.map { line in
            let start = (line.firstRange(of: "/bootstrap: ") ?? line.firstRange(of: "]: "))?.upperBound
            let rest = line[(start ?? line.startIndex)...]
            return String(rest[..<(rest.firstRange(of: " (after ")?.lowerBound ?? rest.endIndex)])
        }
    }
}

import KafkaClient
import Logging

/// Tells on standard error that no broker answers any more, and that one answers again: once each.
///
/// A consumer whose broker goes away waits and goes on by itself, and only its logger hears of it. Not all that it hears there is
/// an outage (of two addresses of a host, the first may refuse). So each complaint is a reason to ask the cluster, over a
/// connection of its own, and what is told is what came of that.
struct BrokerWatch: Sendable {
    /// For the consumer that is watched.
    let logger: Logger
    private let cluster: Cluster
    private let complaints: AsyncStream<Void>

    /// How long one question may take during an outage; so long Ctrl-C may have to wait.
    private static let interval = Duration.seconds(1)

    init(_ cluster: Cluster) {
        // One that comes while the cluster is asked is a reason to ask once more, however many they are.
        let (complaints, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.cluster = cluster
        self.complaints = complaints
        // What a client says again and again is for its debugging.
        logger = Logger(label: "kafka") { _ in
            Listener(from: .debug) { if Self.isComplaint($0) { continuation.yield() } }
        }
    }

    /// What a client warns of, and each connection that broke.
    private static func isComplaint(_ event: LogEvent) -> Bool {
        event.level >= .warning || event.metadata?["librdkafka"] == "FAIL"
    }

    /// Watches until its task is cancelled.
    func run() async throws {
        for await _ in complaints {
            let reasons = LastWords()
            let admin = try Admin(cluster.configuration, logger: reasons.logger)
            if await Self.answers(admin, within: Cluster.patienceWithRefusals) || Task.isCancelled { continue }
            let reason = reasons.text.map { " (\($0))" } ?? ""
            tell("no broker answers at \(cluster.bootstrap) any more\(reason); it goes on when one is back")
            while await !Self.answers(admin, within: Self.interval) {
                if Task.isCancelled { return }
            }
            tell("a broker answers at \(cluster.bootstrap) again")
        }
    }

    private static func answers(_ admin: Admin, within limit: Duration) async -> Bool {
        (try? await admin.metadata(topics: [], within: limit)) != nil
    }

    private func tell(_ words: String) {
        // There may be a line that tells how far the reading has come.
        let start = Terminal.errors.isInteractive ? "\r\u{1B}[K" : ""
        write("\(start)\(Terminal.errors.styled("tidings:", .yellow)) \(words)\n", to: Terminal.errors.descriptor)
    }
}

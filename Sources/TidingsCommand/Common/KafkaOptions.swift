import ArgumentParser
import KafkaBroker
import KafkaClient

/// `--kafka`, `-X` and `--timeout`: which cluster, and how it is reached.
///
/// A command that works on it conforms to ``KafkaCommand``.
struct KafkaOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The cluster: one or several of its brokers. (TIDINGS_KAFKA; default: \(Self.defaultKafka))",
            valueName: "host:port,…"))
    var kafka: String?

    @Option(
        name: [.customShort("X")],
        help: ArgumentHelp(
            "A property of librdkafka, such as security.protocol=ssl. May be given several times.",
            valueName: "name=value"))
    var properties: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            How long a request may take, and the cluster to be there. (TIDINGS_TIMEOUT; default: \(Self.defaultTimeout), and 2 \
            where every broker refuses)
            """, valueName: "seconds"))
    var timeout: Int?

    static let defaultKafka = "127.0.0.1:9092"
    static let defaultTimeout = 10

    func validate() throws {
        if let timeout, timeout < 1 { throw ValidationError("--timeout is at least 1") }
    }

    /// What the settings say, with its origin each.
    func resolve(_ settings: Settings) throws -> ResolvedKafka {
        let address =
            try settings.text("kafka", flag: kafka, "--kafka") ?? .init(value: Self.defaultKafka, origin: .default)
        try Self.check(address.value, settings.place(of: address.origin))
        let timeout =
            try settings.number("timeout", flag: timeout, "--timeout")
            ?? .init(value: Self.defaultTimeout, origin: .default)
        if timeout.value < 1 { throw ValidationError("\(settings.place(of: timeout.origin)) is at least 1") }
        return ResolvedKafka(
            kafka: address, properties: try settings.pairs("properties", flags: properties, "-X"), timeout: timeout)
    }

    /// Whether each of them is a broker's address. librdkafka is less strict: `kafka:99999` is port 34463 to it.
    static func check(_ brokers: String, _ place: String) throws {
        if brokers.contains("://") {
            throw ValidationError("\(place) takes HOST:PORT, and no URL such as '\(readable(brokers))'")
        }
        let all = brokers.split { $0 == "," || $0.isWhitespace }
        if all.isEmpty {
            throw ValidationError("\(place) names no broker: write HOST:PORT, several with commas between")
        }
        for broker in all where HostAndPort(String(broker)).map({ $0.port < 1 }) ?? true {
            let word = readable(String(broker))
            throw ValidationError("\(place): '\(word)' is not HOST:PORT with a port from 1 to 65535")
        }
    }

    /// Reaches the cluster.
    func connect() async throws -> Cluster {
        let resolved = try resolve(Settings())
        let timeout = Duration.seconds(resolved.timeout.value)
        return try await .reach(
            resolved.kafka.value, properties: resolved.properties.mapValues(\.value), timeout: timeout,
            patience: resolved.timeout.origin == .default ? Cluster.patienceWithRefusals : timeout)
    }
}

/// The settings of a cluster, with their origins.
struct ResolvedKafka: Sendable {
    var kafka: Settings.Setting<String>
    var properties: [String: Settings.Setting<String>]
    var timeout: Settings.Setting<Int>
}

/// A command that works on a cluster.
protocol KafkaCommand: ToolCommand {
    var kafka: KafkaOptions { get }

    func run(on cluster: Cluster) async throws
}

extension KafkaCommand {
    func perform() async throws {
        try await run(on: try await kafka.connect())
    }
}

/// Says on a terminal what is being waited for when `body` takes longer than two seconds.
func withPatience<R: Sendable>(_ what: String, _ body: @escaping @Sendable () async throws -> R) async throws -> R {
    try await withThrowingTaskGroup(of: R?.self) { tasks in
        tasks.addTask { try await body() }
        if Terminal.errors.isInteractive {
            tasks.addTask {
                do { try await Task.sleep(for: Progress.patience) } catch { return nil }
                write(Terminal.errors.styled("\(what)…", .faint) + "\n", to: Terminal.errors.descriptor)
                return nil
            }
        }
        while let result = try await tasks.next() {
            if let result {
                tasks.cancelAll()
                return result
            }
        }
        throw CancellationError()
    }
}

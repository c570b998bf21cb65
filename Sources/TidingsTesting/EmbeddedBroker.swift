import Glibc
import KafkaBroker
import Logging
import Synchronization

/// Runs `body` with a broker of its own: on a free port, in a new directory that is removed afterwards, ready in
/// milliseconds.
///
/// ```swift
/// try await withBroker { broker in
///     let producer = try Producer(.init(KafkaConfiguration(broker.bootstrap)), logger: logger)
///     try await producer.send(ProducerMessage(topic: "order", value: "placed"))
/// }
/// ```
///
/// - Parameters:
///   - properties: broker properties by Kafka's names, such as `["num.partitions": "1"]`.
///   - logger: by default the broker is silent.
/// - Throws: what `body` throws, or `BrokerError` when the broker cannot start.
public func withBroker<Result: Sendable>(
    properties: [String: String] = [:], logger: Logger? = nil,
    _ body: (EmbeddedBroker) async throws -> Result
) async throws -> Result {
    let broker = try EmbeddedBroker(properties: properties, logger: logger)
    try await broker.start()
    do {
        let result = try await body(broker)
        try await broker.remove()
        return result
    } catch {
        try? await broker.remove()
        throw error
    }
}

/// A broker in this process for tests, which can be stopped and started again on the same directory and port.
///
/// ```swift
/// let broker = try EmbeddedBroker()
/// try await broker.start()     // on a free port
/// try await broker.stop()      // clean: logs closed with their markers
/// try await broker.start()     // same records, same groups, same address
/// try await broker.remove()    // stopped, files gone
/// ```
///
/// It owns one task, which `stop()` ends. Use it from one task at a time.
public final class EmbeddedBroker: Sendable {
    private struct State {
        var port = 0
        var task: Task<Void, any Error>?
    }

    /// Where its records live.
    public let directory: String
    private let properties: [String: String]
    private let logger: Logger
    private let ownsDirectory: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - directory: where to keep records; nil makes a new one under the system's temporary directory.
    ///   - port: 0 takes a free one at the first start and keeps it.
    public init(
        directory: String? = nil, port: Int = 0, properties: [String: String] = [:], logger: Logger? = nil
    ) throws {
        self.directory = try directory ?? TemporaryDirectory.make(prefix: "tidings-broker")
        self.properties = properties
        self.logger = logger ?? Logger(label: "broker") { _ in SwiftLogNoOpLogHandler() }
        ownsDirectory = directory == nil
        state = Mutex(State(port: port))
    }

    /// The port it listens at; 0 before the first start.
    public var port: Int { state.withLock { $0.port } }
    /// What clients take as `bootstrap.servers`.
    public var bootstrap: String { "127.0.0.1:\(port)" }

    /// Starts and waits until connections are accepted.
    ///
    /// - Throws: `BrokerError` when it cannot start, for one because it is running already.
    public func start() async throws {
        guard port == 0 else { return try await start(at: port) }
        for _ in 0..<20 {
            do {
                return try await start(at: .random(in: Self.ports))
            } catch let error as BrokerError where error.code == .addressInUse {
                continue
            }
        }
        try await start(at: 0)
    }

    /// Below the ports that a system gives to outgoing connections: while this broker is stopped, a client that tries
    /// to reach it can be given no such port, and so cannot take the broker's place by connecting to itself.
    private static let ports = 15_000..<32_000

    private func start(at port: Int) async throws {
        var configuration = BrokerConfiguration(dataDirectory: directory)
        configuration.listen = HostAndPort(host: "127.0.0.1", port: port)
        for (name, value) in properties { try configuration.set(name, to: value) }
        let broker = Broker(configuration: configuration, logger: logger)
        let task = Task { try await broker.run() }
        do {
            let address = try await broker.address()
            state.withLock { state in
                state.port = address.port
                state.task = task
            }
        } catch {
            _ = await task.result
            throw error
        }
    }

    /// Stops cleanly and waits until everything is closed; nothing happens when it does not run.
    public func stop() async throws {
        let task = state.withLock { state in
            defer { state.task = nil }
            return state.task
        }
        task?.cancel()
        try await task?.value
    }

    /// Stops, and removes the directory if it was made here.
    public func remove() async throws {
        try await stop()
        if ownsDirectory { try TemporaryDirectory.remove(directory) }
    }
}

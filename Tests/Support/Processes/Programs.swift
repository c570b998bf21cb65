import Foundation

/// Where the programs under test and the tools that drive them are.
public enum Programs {
    /// The folder that the build put everything into: that of the running test bundle.
    public static let buildFolder: String = {
        let bundle = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        return bundle.deletingLastPathComponent().path
    }()

    public static let tidings = buildFolder + "/tidings"
    public static let shop = buildFolder + "/shop"

    public static let checkout = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The Python of the tests' own environment, with the clients that `scripts/install test` put there.
    public static let python = checkout + "/.build-python/bin/python"
    public static let kcat = "/usr/bin/kcat"

    /// The long sweeps run only for `make prove`.
    public static let proves = ProcessInfo.processInfo.environment["TIDINGS_PROVE"] == "1"
    /// A Kafka from outside to test against instead of our own broker (`make test KAFKA=host:9092`).
    public static let externalKafka = ProcessInfo.processInfo.environment["KAFKA"].flatMap { $0.isEmpty ? nil : $0 }
}

/// A name that no other test and no other run has, for topics and groups in a Kafka that is shared.
public func uniqueName(_ base: String) -> String { "\(base)-\(UUID().uuidString.lowercased())" }

/// A folder for one test, removed when the test is done.
public func withTemporaryFolder<T>(_ body: (String) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tidings-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}

/// `tidings broker` as a process of its own, which can be killed and started again on the same folder and port.
public actor BrokerProcess {
    public let dataDirectory: String
    private let configuration: [String]
    private var process: ChildProcess
    public private(set) var bootstrap: String

    public init(dataDirectory: String, configuration: [String: String] = [:]) async throws {
        self.dataDirectory = dataDirectory
        self.configuration = configuration.flatMap { ["--config", "\($0)=\($1)"] }
        (process, bootstrap) = try await Self.start(
            dataDirectory, "127.0.0.1:\(try freePorts(1))", self.configuration)
    }

    public func kill() async throws { try await process.killAndWait() }
    public func freeze() async throws { try await process.freeze() }
    public func thaw() { process.thaw() }

    public func stop() async throws {
        process.signal(SIGTERM)
        try await process.waitForExit()
    }

    public func restart() async throws {
        (process, bootstrap) = try await Self.start(dataDirectory, bootstrap, configuration)
    }

    public var errors: String { process.errors }
    public var processID: Int32 { process.processID }

    private static func start(
        _ folder: String, _ listen: String, _ configuration: [String]
    ) async throws -> (ChildProcess, String) {
        let process = try ChildProcess(
            Programs.tidings, ["broker", "--listen", listen, "--data-dir", folder] + configuration)
        return (process, try await process.waitForLine(startingWith: "tidings broker ready at "))
    }
}

/// Runs `body` against the Kafka under test: the one named by `KAFKA`, or a broker process of our own.
///
/// It makes the topics it needs itself, and takes names from ``uniqueName(_:)``. A test that kills its broker starts a
/// ``BrokerProcess`` of its own instead.
public func withKafka<T: Sendable>(
    configuration: [String: String] = [:], _ body: @Sendable (String) async throws -> T
) async throws -> T {
    if let external = Programs.externalKafka { return try await body(external) }
    return try await withTemporaryFolder { folder in
        let broker = try await BrokerProcess(dataDirectory: folder, configuration: configuration)
        do {
            let result = try await body(await broker.bootstrap)
            try await broker.stop()
            return result
        } catch {
            try? await broker.kill()
            throw error
        }
    }
}

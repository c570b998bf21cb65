import Foundation
import Synchronization

/// A PostgreSQL server of the tests' own, on a Unix socket in a temporary folder.
///
/// It writes durably, as a server of a service would. It goes when the test process goes, however that ends: a watcher
/// holds the other end of a pipe, stops the server when the pipe closes, and removes the folder.
public actor PostgresServer {
    /// The folder of PostgreSQL's programs, of the newest version installed; nil when there is none.
    public static let programs: String? = {
        let base = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
        let newest = versions.compactMap(Int.init).max()
        return newest.map { "\(base)/\($0)/bin" }
    }()

    /// A database from outside to test against (`make test DATABASE=postgres://…`).
    public static let external = ProcessInfo.processInfo.environment["DATABASE"].flatMap { $0.isEmpty ? nil : $0 }

    private let folder: String
    private let settings: [String: String]
    private let watcher: ChildProcess
    private var process: ChildProcess

    /// Makes a cluster and starts it.
    public init(settings: [String: String] = [:]) async throws {
        guard let programs = Self.programs else {
            throw ChildProcess.Failure(description: "PostgreSQL is not installed: scripts/install test")
        }
        folder = FileManager.default.temporaryDirectory.path + "/tidings-pg-\(UUID().uuidString.prefix(8))"
        self.settings = settings
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if Self.isRoot { try await Self.run("/bin/chown", ["postgres", folder]) }
        watcher = try ChildProcess("/bin/sh", ["-c", Self.watch, "watch", folder])
        try await Self.run(
            "/bin/sh",
            ["-c", Self.asUser + "\"$@\"", "sh", programs + "/initdb", "-D", folder + "/data"]
                + ["-U", "tidings", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"])
        process = try await Self.start(folder, settings)
    }

    /// The URL of a database of this server.
    public nonisolated func url(database: String = "postgres") -> String {
        "postgres://tidings@/\(database)?host=\(folder)"
    }

    /// SIGQUIT: all connections break at once, and the next start recovers from the log, as after a crash.
    public func kill() async throws {
        process.signal(SIGQUIT)
        try await process.waitForExit()
    }

    /// Ends all connections in an orderly way and stops.
    public func stop() async throws {
        process.signal(SIGINT)
        try await process.waitForExit()
    }

    public func start() async throws { process = try await Self.start(folder, settings) }

    /// Stops the server and removes its folder.
    public func remove() async throws {
        try watcher.send("")
        try await watcher.waitForExit()
    }

    private static func start(_ folder: String, _ settings: [String: String]) async throws -> ChildProcess {
        let defaults = [
            "listen_addresses": "", "unix_socket_directories": folder, "fsync": "on", "wal_level": "logical",
            "max_connections": "200", "max_replication_slots": "100", "max_wal_senders": "20", "shared_buffers": "64MB",
            "lc_messages": "C", "log_checkpoints": "off",
        ]
        let options = defaults.merging(settings) { $1 }.flatMap { ["-c", "\($0)=\($1)"] }
        let process = try ChildProcess(
            "/bin/sh",
            [
                "-c", "exec 2>&1; exec " + asUser + "\"$@\"", "sh", (programs ?? "") + "/postgres", "-D",
                folder + "/data",
            ]
                + options)
        _ = try await process.waitFor("ready server") { lines in
            lines.first { $0.contains("database system is ready to accept connections") }
        }
        return process
    }

    private static let isRoot = geteuid() == 0
    /// PostgreSQL refuses to run as root.
    private static let asUser = isRoot ? "setpriv --reuid=postgres --regid=postgres --init-groups " : ""

    /// Waits for the end of its input, which is the end of the test process or ``remove()``.
    private static let watch = """
        trap '' INT TERM HUP
        read -r line
        pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
        if [ -n "$pid" ]; then
            kill -QUIT "$pid" 2>/dev/null
            tail --pid="$pid" -f /dev/null
        fi
        # A process of the server's that goes last may still write.
        for attempt in 1 2 3 4 5; do rm -rf "$1" && exit; sleep 1; done
        """

    fileprivate static func run(_ program: String, _ arguments: [String]) async throws {
        let process = try ChildProcess(program, arguments)
        let status = try await process.waitForExit()
        guard status == 0 else {
            throw ChildProcess.Failure(
                description: "\(program) \(arguments.joined(separator: " ")): \(status)\n\(process.errors)")
        }
    }
}

/// The one server that all tests of a run share, started by the first that needs it.
private let sharedServer = Mutex<Task<PostgresServer, any Error>?>(nil)

extension PostgresServer {
    public static func shared() async throws -> PostgresServer {
        let starting = sharedServer.withLock { server in
            if let server { return server }
            let starting = Task { try await PostgresServer() }
            server = starting
            return starting
        }
        return try await starting.value
    }

    /// The URL of the server that the tests share: the one named by `DATABASE`, or one that the test run starts.
    public static func sharedURL() async throws -> String {
        if let external { return external }
        return try await shared().url()
    }

    /// Drops a database that the program under test made; our own server goes altogether, and soon.
    public static func drop(_ database: String) async throws {
        guard let external else { return }
        try await statement("drop database if exists \"\(database)\" with (force)", at: external)
    }

    fileprivate static func statement(_ sql: String, at url: String) async throws {
        guard let programs else { throw ChildProcess.Failure(description: "psql is not installed") }
        try await run(programs + "/psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
    }
}

/// Runs `body` with the URL of a database of its own, which is gone afterwards: on the server named by `DATABASE`, or
/// on one that the test run starts.
///
/// - Parameter isOwn: not on the one named by `DATABASE`, which need not be set up for what is tested.
public func withPostgresDatabase<T: Sendable>(
    onOwnServer isOwn: Bool = false, _ body: @Sendable (String) async throws -> T
) async throws -> T {
    let base = isOwn ? try await PostgresServer.shared().url() : try await PostgresServer.sharedURL()
    let name = "tidings_test_" + UUID().uuidString.prefix(12).replacingOccurrences(of: "-", with: "").lowercased()
    try await PostgresServer.statement("create database \(name)", at: base)
    let outcome: Result<T, any Error>
    do {
        outcome = .success(try await body(postgresURL(base, database: name)))
    } catch {
        outcome = .failure(error)
    }
    try await PostgresServer.drop(name)
    return try outcome.get()
}

/// The URL of another database on the same server.
public func postgresURL(_ url: String, database: String) -> String {
    guard let scheme = url.range(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let query = rest.firstIndex(of: "?") ?? rest.endIndex
    let path = rest[..<query].firstIndex(of: "/") ?? query
    return url[..<scheme.upperBound] + rest[..<path] + "/" + database + rest[query...]
}

import ArgumentParser
import Foundation

/// Runs `body` with a PostgreSQL: the one given, or a durable one of its own on a Unix socket.
func withPostgresUnderTest(_ given: String?, _ body: (String) async throws -> Void) async throws {
    if let given { return try await body(given) }
    guard let programs = postgresPrograms else {
        throw ValidationError("PostgreSQL is not installed, and no --postgres was given")
    }
    let folder = FileManager.default.temporaryDirectory.path + "/tidings-bench-pg-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // PostgreSQL refuses to run as root.
    let asUser = geteuid() == 0 ? "setpriv --reuid=postgres --regid=postgres --init-groups " : ""
    if geteuid() == 0 { try shell("chown postgres \(folder)").waitUntilExit() }
    try shell("\(asUser)\(programs)/initdb -D \(folder)/data -U tidings -A trust -E UTF8 --locale=C").waitUntilExit()
    let server = try shell(
        """
        exec \(asUser)\(programs)/postgres -D \(folder)/data -c listen_addresses= -c unix_socket_directories=\(folder) \
        -c wal_level=logical -c max_connections=100 -c shared_buffers=256MB -c max_wal_size=4GB
        """)
    defer {
        server.interrupt()
        server.waitUntilExit()
    }
    let url = "postgres://tidings@/postgres?host=\(folder)"
    for _ in 0..<100 {
        let attempt = try shell("\(programs)/pg_isready -q -d '\(url)'")
        attempt.waitUntilExit()
        if attempt.terminationStatus == 0 { return try await body(url) }
        try await Task.sleep(for: .milliseconds(100))
    }
    throw ValidationError("PostgreSQL does not start")
}

/// Where the newest server's programs are.
let postgresPrograms: String? = {
    let base = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []
    return versions.compactMap(Int.init).max().map { "\(base)/\($0)/bin" }
}()

/// Starts a command of the shell's without its output.
@discardableResult
func shell(_ command: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
}

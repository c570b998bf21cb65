import Foundation
import Logging
import Processes
import Testing
import Tidings
import TidingsPostgres
import TidingsSQLite

/// The databases that a command works on.
enum DatabaseKind: CaseIterable { case sqlite, postgres }

/// What the program printed on both of its outputs, and its exit code.
func tidings(_ arguments: String...) async throws -> (lines: [String], code: Int32) {
    try await tidings(arguments)
}

func tidings(_ arguments: [String]) async throws -> (lines: [String], code: Int32) {
    let process = try ChildProcess("/bin/sh", ["-c", "exec \"$@\" 2>&1", "sh", Programs.tidings] + arguments)
    let code = try await process.waitForExit()
    return (process.lines, code)
}

/// The JSON objects that it printed, one a line.
func objects(_ arguments: String...) async throws -> [[String: Any]] {
    let result = try await tidings(arguments)
    try #require(result.code == 0, "\(result.lines)")
    return try result.lines.map { line in
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
}

func withDatabase(
    _ kind: DatabaseKind, _ body: @Sendable (any Store, String) async throws -> Void
) async throws {
    switch kind {
    case .sqlite:
        try await withTemporaryFolder { folder in
            let path = folder + "/order.sqlite"
            try await body(try SQLiteStore(path: path), path)
        }
    case .postgres:
        try await withPostgresDatabase { url in
            let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let store = try await PostgresStore(PostgresConfiguration(url), logger: quiet)
            defer { store.close() }
            try await body(store, url)
        }
    }
}

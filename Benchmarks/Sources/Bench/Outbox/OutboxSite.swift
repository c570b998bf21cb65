import ArgumentParser
import Logging
import TidingsPostgres
import TidingsSQLite

/// Where an outbox may be.
enum OutboxSource: String, ExpressibleByArgument, CaseIterable {
    case table, log, sqlite

    var name: String {
        switch self {
        case .table: "PostgreSQL, table"
        case .log: "PostgreSQL, log"
        case .sqlite: "SQLite"
        }
    }
}

/// What the outbox is measured with.
struct OutboxSite {
    let postgres: String
    let kafka: String
    let folder: String
    let logger: Logger

    /// Runs `body` with a store of its own, on an empty database.
    func withStore<R>(_ source: OutboxSource, _ body: (any BenchStore) async throws -> R) async throws -> R {
        switch source {
        case .sqlite: return try await using(SQLiteStore.bench(folder), body)
        case .table: return try await using(PostgresStore.bench(postgres, .table, logger), body)
        case .log:
            let store = try await PostgresStore.bench(postgres, .log, logger)
            let result = try await using(store, body)
            // So that the server need not keep its log for the next.
            let pool = PostgresPool(store.pool.configuration, logger: logger)
            defer { pool.close() }
            try await PostgresLog.remove(pool)
            return result
        }
    }

    private func using<R>(_ store: any BenchStore, _ body: (any BenchStore) async throws -> R) async throws -> R {
        let result = try await body(store)
        try await store.end()
        return result
    }
}

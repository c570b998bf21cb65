import GRDB
import Tidings
import TidingsPostgres
import TidingsSQLite

/// A service's database, SQLite or PostgreSQL: Tidings' store, and the service's own reads and writes.
protocol ShopStore: Store where Transaction: SQL {
    /// Runs `body` where it can only read.
    func read<R: Sendable>(_ body: @escaping @Sendable (any SQL) throws -> R) async throws -> R
}

extension ShopStore {
    /// Runs `body` in a transaction that can write.
    func write<R: Sendable>(_ body: @escaping @Sendable (any SQL) throws -> R) async throws -> R {
        try await transaction { try body($0) }
    }

    /// Runs `body` in a transaction that can write, and appends what it returns to the outbox.
    func tell(_ body: @escaping @Sendable (any SQL) throws -> [EventRecord]) async throws {
        try await transaction { transaction in
            for record in try body(transaction) { try self.append(record, in: transaction) }
        }
    }

    /// Makes the tables that are missing; several processes may do so at the same time.
    func prepare(_ tables: @escaping @Sendable (Dialect) -> [String]) async throws {
        try await write { sql in
            try sql.takeTurn()
            for table in tables(type(of: sql).dialect) { try sql.run("CREATE TABLE IF NOT EXISTS " + table) }
        }
    }

    /// Behind the last record that was handled of each partition.
    func offsets(of places: [GroupPartition], _ sql: any SQL) throws -> [Int: Int64] {
        guard let transaction = sql as? Transaction else { return [:] }
        return try places.reduce(into: [:]) { offsets, place in
            offsets[Int(place.partition)] = try offset(of: place, in: transaction)
        }
    }

    /// How the outbox stands.
    func outbox() async throws -> OutboxStatus {
        try await transaction { try self.outboxStatus(in: $0) }
    }
}

extension SQLiteStore: ShopStore {
    func read<R: Sendable>(_ body: @escaping @Sendable (any SQL) throws -> R) async throws -> R {
        try await pool.read { try body($0) }
    }
}

extension PostgresStore: ShopStore {
    func read<R: Sendable>(_ body: @escaping @Sendable (any SQL) throws -> R) async throws -> R {
        try await pool.transaction { try body($0) }
    }
}

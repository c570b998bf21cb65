import Foundation
import GRDB
import Logging
import Tidings
import TidingsPostgres
import TidingsSQLite

/// What happens in the benchmarks.
struct Placed: Event {
    static let eventType = "bench.order.placed"
    var orderID: Int
    var customer: String
    var text: String

    init(_ number: Int) {
        orderID = number
        customer = "c\(number % 10_000)"
        text = Self.filling
    }

    var key: String { customer }

    private static let filling = String(repeating: "x", count: 60)
}

/// A store with a table of orders, whose outbox can be read without a relay, as fast as the database gives it.
protocol BenchStore: Store {
    /// Writes an order: what a service does anyway.
    func insertOrder(_ number: Int, in transaction: Transaction) throws

    /// Reads and removes what is in the outbox without doing anything with it; returns how many events there were.
    func drainBare() async throws -> Int

    func end() async throws
}

extension SQLiteStore: BenchStore {
    static func bench(_ folder: String) throws -> SQLiteStore {
        let store = try SQLiteStore(path: folder + "/bench-\(UUID().uuidString.prefix(8)).sqlite")
        try store.pool.write { db in
            try db.execute(
                sql: "CREATE TABLE orders (id INTEGER PRIMARY KEY, number INTEGER, customer TEXT, note TEXT)")
        }
        return store
    }

    func insertOrder(_ number: Int, in db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO orders (number, customer, note) VALUES (?, ?, ?)")
            .execute(arguments: [number, "c\(number % 10_000)", "two of these and one of those"])
    }

    func drainBare() async throws -> Int {
        var total = 0
        while true {
            let count = try await transaction { db in
                let statement = try db.cachedStatement(sql: "SELECT * FROM tidings_outbox ORDER BY sequence LIMIT 2000")
                let rows = try Row.fetchCursor(statement)
                var (count, first, last) = (0, Int64.max, Int64(0))
                while let row = try rows.next() {
                    let sequence: Int64 = row["sequence"]
                    (first, last) = (min(first, sequence), sequence)
                    count += 1
                }
                try db.cachedStatement(sql: "DELETE FROM tidings_outbox WHERE sequence BETWEEN ? AND ?")
                    .execute(arguments: [first, last])
                return count
            }
            if count == 0 { return total }
            total += count
        }
    }

    func end() async throws { try pool.close() }
}

extension PostgresStore: BenchStore {
    /// On a database of its own.
    static func bench(_ url: String, _ outbox: PostgresOutbox, _ logger: Logger) async throws -> PostgresStore {
        let name = "bench_\(UUID().uuidString.prefix(8).lowercased())"
        let owner = PostgresPool(PostgresConfiguration(url), logger: logger)
        defer { owner.close() }
        try await owner.executeAlone("create database \(name)")
        var configuration = PostgresConfiguration(url)
        configuration.parameters["dbname"] = name
        configuration.maximumConnections = 16
        let store = try await PostgresStore(configuration, outbox: outbox, logger: logger)
        try await store.pool.transaction { db in
            try db.execute(
                """
                create table orders (
                    id bigint generated always as identity primary key, number bigint, customer text, note text)
                """)
        }
        return store
    }

    func insertOrder(_ number: Int, in db: PostgresTransaction) throws {
        try db.execute(
            "insert into orders (number, customer, note) values ($1, $2, $3)", number, "c\(number % 10_000)",
            "two of these and one of those")
    }

    func drainBare() async throws -> Int {
        var total = 0
        while true {
            let count = try await pool.transaction { db in
                try db.query(
                    """
                    delete from tidings_outbox where (shard, sequence) in (
                        select shard, sequence from tidings_outbox order by shard, sequence limit 2000) returning *
                    """
                ).count
            }
            if count == 0 { return total }
            total += count
        }
    }

    func end() async throws { close() }
}

import ArgumentParser
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

    /// As long as what the order service of the example says of an order with three lines.
    init(orderWithLines number: Int) {
        self.init(number)
        text = Self.order
    }

    var key: String { customer }

    private static let filling = String(repeating: "x", count: 60)
    private static let order = String(repeating: "x", count: 600)
}

/// What a service writes in its own transaction before it says what happened.
enum WriterAction: String, ExpressibleByArgument, CaseIterable {
    /// One row in one table: the least there is.
    case row
    /// Four such rows.
    case rows
    /// An order with three lines, with the keys and references that such tables have; its event carries it whole.
    case order
}

/// A store with a table of orders, whose outbox can be read without a relay, as fast as the database gives it.
protocol BenchStore: Store {
    /// Writes an order: what a service does anyway.
    func insertOrder(_ number: Int, in transaction: Transaction) throws

    /// Runs a statement with `$1`, `$2`… in it.
    func run(_ sql: String, _ values: [BenchValue], in transaction: Transaction) throws

    /// Reads and removes what is in the outbox without doing anything with it; returns how many events there were.
    func drainBare() async throws -> Int

    /// Begins to read, and goes on until it is told to end.
    func openSnapshot() async throws -> OpenSnapshot

    func end() async throws
}

/// A transaction that only reads, on a thread of the database's.
final class OpenSnapshot: Sendable {
    private let isOver = DispatchSemaphore(value: 0)

    func close() { isOver.signal() }

    /// For the transaction.
    func hold() { isOver.wait() }
}

/// What is written into a column.
enum BenchValue {
    case text(String)
    case number(Int)
}

extension BenchStore {
    func act(_ action: WriterAction, _ number: Int, in transaction: Transaction) throws {
        switch action {
        case .row: try insertOrder(number, in: transaction)
        case .rows: for _ in 0..<4 { try insertOrder(number, in: transaction) }
        case .order: try insertOrderWithLines(in: transaction)
        }
    }

    private func insertOrderWithLines(in transaction: Transaction) throws {
        let id = UUID().uuidString
        try run(
            """
            insert into placed_order (id, customer_id, total_cents, street, zip, city, placed_at)
            values ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                .text(id), .number(Int.random(in: 1...100)), .number(12_345), .text("Saint James's Square 12"),
                .text("SW1Y 4JH"), .text("London"), .text("2026-11-28T10:00:00Z"),
            ], in: transaction)
        for line in 1...3 {
            try run(
                """
                insert into order_line (order_id, position, item_id, name, price_cents, count)
                values ($1, $2, $3, $4, $5, $6)
                """,
                [
                    .text(id), .number(line), .number(line), .text("Letter paper, 50 sheets"), .number(995),
                    .number(2),
                ], in: transaction)
        }
    }

    static func orderTables(growingKey: String) -> [String] {
        [
            "create table customer (id bigint primary key, name text not null)",
            """
            create table placed_order (
                sequence \(growingKey), id text not null unique, customer_id bigint not null references customer (id),
                total_cents bigint not null, street text not null, zip text not null, city text not null,
                placed_at text not null)
            """,
            """
            create table order_line (
                order_id text not null references placed_order (id) on delete cascade, position bigint not null,
                item_id bigint not null, name text not null, price_cents bigint not null, count bigint not null,
                primary key (order_id, position))
            """,
        ] + (1...100).map { "insert into customer (id, name) values (\($0), 'Customer \($0)')" }
    }
}

extension SQLiteStore: BenchStore {
    static func bench(_ folder: String) throws -> SQLiteStore {
        let store = try SQLiteStore(path: folder + "/bench-\(UUID().uuidString.prefix(8)).sqlite")
        try store.pool.write { db in
            try db.execute(
                sql: "CREATE TABLE orders (id INTEGER PRIMARY KEY, number INTEGER, customer TEXT, note TEXT)")
            for sql in orderTables(growingKey: "integer primary key") { try db.execute(sql: sql) }
        }
        return store
    }

    func insertOrder(_ number: Int, in db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO orders (number, customer, note) VALUES (?, ?, ?)")
            .execute(arguments: [number, "c\(number % 10_000)", "two of these and one of those"])
    }

    func run(_ sql: String, _ values: [BenchValue], in db: Database) throws {
        let arguments: [DatabaseValue] = values.map { value in
            switch value {
            case .text(let text): text.databaseValue
            case .number(let number): number.databaseValue
            }
        }
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
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

    func openSnapshot() async throws -> OpenSnapshot {
        let (snapshot, pool) = (OpenSnapshot(), pool)
        let (opened, open) = AsyncThrowingStream<Void, any Error>.makeStream()
        Thread.detachNewThread {
            do {
                try pool.read { db in
                    _ = try Row.fetchAll(db, sql: "SELECT * FROM orders LIMIT 1")
                    open.finish()
                    snapshot.hold()
                }
            } catch {
                open.finish(throwing: error)
            }
        }
        for try await _ in opened {}
        return snapshot
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
            for sql in orderTables(growingKey: "bigint generated always as identity primary key") {
                try db.execute(sql)
            }
        }
        return store
    }

    func insertOrder(_ number: Int, in db: PostgresTransaction) throws {
        try db.execute(
            "insert into orders (number, customer, note) values ($1, $2, $3)", number, "c\(number % 10_000)",
            "two of these and one of those")
    }

    func run(_ sql: String, _ values: [BenchValue], in db: PostgresTransaction) throws {
        let parameters: [PostgresValue] = values.map { value in
            switch value {
            case .text(let text): text.postgresValue
            case .number(let number): number.postgresValue
            }
        }
        try db.execute(sql, parameters: parameters)
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

    func openSnapshot() async throws -> OpenSnapshot {
        let snapshot = OpenSnapshot()
        var configuration = pool.configuration
        configuration.isolation = .repeatableRead
        configuration.maximumConnections = 1
        let own = PostgresPool(configuration, logger: Logger(label: "snapshot"))
        let (opened, open) = AsyncThrowingStream<Void, any Error>.makeStream()
        Task {
            defer { own.close() }
            do {
                try await own.transaction { db in
                    _ = try db.query("select * from orders limit 1")
                    open.finish()
                    snapshot.hold()
                }
            } catch {
                open.finish(throwing: error)
            }
        }
        for try await _ in opened {}
        return snapshot
    }

    func end() async throws { close() }
}

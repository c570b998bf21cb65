import Logging
import Tidings

/// The order service's own tables and what is asked of them.
struct OrderDatabase: Sendable {
    let store: any ShopStore
    /// The way of sending until one is chosen.
    private let start: Sending

    /// Opens the database and makes what is missing; several processes may do so at the same time.
    init(_ shop: ShopOptions, logger: Logger) async throws {
        store = try await shop.openDatabase(of: "order", logger: logger)
        start = shop.sending
        try await store.prepare(Self.tables)
        try await store.write(Self.seed)
    }

    func items() async throws -> [Item] {
        try await store.read { sql in
            try sql.rows("SELECT id, name, price_cents FROM item ORDER BY id").map {
                Item(id: try $0.integer(0), name: try $0.text(1), priceCents: try $0.integer(2))
            }
        }
    }

    /// Changes a price for orders to come.
    func setPrice(_ cents: Int, of item: Int) async throws {
        _ = try await store.write { try $0.run("UPDATE item SET price_cents = $1 WHERE id = $2", cents, item) }
    }

    func customers() async throws -> [Customer] {
        try await store.read { sql in
            try sql.rows(
                """
                SELECT id, name, email FROM customer
                WHERE NOT EXISTS (SELECT 1 FROM customer_left WHERE customer_id = id) ORDER BY id
                """
            ).map { try Customer($0, from: 0) }
        }
    }

    func sending() async throws -> Sending {
        let start = start
        return try await store.read { try Self.sending(start, $0) }
    }

    /// Chooses the way of sending for all orders to come, for all processes, across restarts.
    func setSending(_ sending: Sending) async throws {
        _ = try await store.write { sql in
            try sql.run(
                """
                INSERT INTO setting (name, value) VALUES ('sending', $1)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value
                """, sending.rawValue)
        }
    }

    private static func sending(_ start: Sending, _ sql: any SQL) throws -> Sending {
        let chosen = try sql.rows("SELECT value FROM setting WHERE name = 'sending'").first?.text(0)
        return chosen.flatMap(Sending.init(rawValue:)) ?? start
    }

    func status() async throws -> OrderStatus {
        let start = start
        let outbox = try await store.outbox()
        return try await store.read { sql in
            let row = try sql.rows(
                "SELECT (SELECT count(*) FROM placed_order), (SELECT count(*) FROM deleted_order)")[0]
            return OrderStatus(
                orders: try row.integer(0), deleted: try row.integer(1), outboxWaiting: outbox.pending,
                outboxParked: outbox.parked, oldestWaitingAt: outbox.oldestPending?.millisecondsSince1970,
                sending: try Self.sending(start, sql))
        }
    }
}

/// How the order service stands, for the start page.
struct OrderStatus: Codable, Sendable {
    /// Orders that stand.
    var orders: Int
    /// Orders that were deleted again.
    var deleted: Int
    /// Events that are committed and not yet in Kafka.
    var outboxWaiting: Int
    /// Events that Kafka will never accept.
    var outboxParked: Int
    /// When the oldest event that waits was written, in milliseconds since 1970; nil when none waits.
    var oldestWaitingAt: Int64?
    /// When the oldest call began that is still publishing, in milliseconds since 1970; nil when none is.
    var oldestCallAt: Int64?
    var sending: Sending
}

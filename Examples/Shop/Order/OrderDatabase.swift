import GRDB
import Tidings
import TidingsSQLite

/// The order service's own tables and what is asked of them.
struct OrderDatabase: Sendable {
    let store: SQLiteStore

    /// Opens the file and creates what is missing; several processes may do so at the same time.
    init(_ directory: DataDirectory) throws {
        store = try SQLiteStore(path: directory.file("order.sqlite"))
        try store.pool.write { db in
            try db.execute(sql: Self.schema)
            try Self.seed(db)
        }
    }

    func items() async throws -> [Item] {
        try await store.pool.read { db in
            try Row.fetchAll(db, sql: "SELECT id, name, price_cents FROM item ORDER BY id").map {
                Item(id: $0[0], name: $0[1], priceCents: $0[2])
            }
        }
    }

    /// Changes a price for orders to come. Returns false when there is no such item.
    func setPrice(_ cents: Int, of item: Int) async throws -> Bool {
        try await store.pool.write { db in
            try db.execute(sql: "UPDATE item SET price_cents = ? WHERE id = ?", arguments: [cents, item])
            return db.changesCount > 0
        }
    }

    func customers() async throws -> [Customer] {
        try await store.pool.read { db in
            try Row.fetchAll(db, sql: "SELECT id, name, email FROM customer ORDER BY id").map {
                Customer(id: $0[0], name: $0[1], email: $0[2])
            }
        }
    }

    /// The newest orders first, those accepted before `sequence` if given.
    func orders(limit: Int, before sequence: Int64? = nil) async throws -> [OrderSummary] {
        try await store.pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT o.id, c.id, c.name, c.email, o.total_cents, o.placed_at, o.sequence,
                        (SELECT count(*) FROM order_line l WHERE l.order_id = o.id)
                    FROM placed_order o JOIN customer c ON c.id = o.customer_id
                    WHERE o.sequence < ? ORDER BY o.sequence DESC LIMIT ?
                    """, arguments: [sequence ?? .max, limit]
            ).map {
                OrderSummary(
                    id: $0[0], customer: Customer(id: $0[1], name: $0[2], email: $0[3]), lineCount: $0[7],
                    totalCents: $0[4], placedAt: $0[5], sequence: $0[6])
            }
        }
    }

    func order(_ id: String) async throws -> Order? {
        try await store.pool.read { db in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT o.*, c.name, c.email FROM placed_order o JOIN customer c ON c.id = o.customer_id
                        WHERE o.id = ?
                        """, arguments: [id])
            else { return nil }
            let lines = try Row.fetchAll(
                db,
                sql: "SELECT item_id, name, price_cents, count FROM order_line WHERE order_id = ? ORDER BY position",
                arguments: [id]
            ).map { OrderLine(itemId: $0[0], name: $0[1], priceCents: $0[2], count: $0[3]) }
            return Order(
                id: row["id"], customer: Customer(id: row["customer_id"], name: row["name"], email: row["email"]),
                lines: lines,
                shippingAddress: Address(
                    street: row["shipping_street"], zip: row["shipping_zip"], city: row["shipping_city"]),
                billingAddress: Address(
                    street: row["billing_street"], zip: row["billing_zip"], city: row["billing_city"]),
                totalCents: row["total_cents"], placedAt: row["placed_at"])
        }
    }

    /// When the order was deleted, if it was.
    func deletion(of id: String) async throws -> String? {
        try await store.pool.read { db in
            try String.fetchOne(db, sql: "SELECT deleted_at FROM deleted_order WHERE id = ?", arguments: [id])
        }
    }

    func sending() async throws -> Sending {
        try await store.pool.read { db in
            try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = 'sending'")
                .flatMap(Sending.init(rawValue:)) ?? .outbox
        }
    }

    /// Chooses the way of sending for all orders to come, for all processes, across restarts.
    func setSending(_ sending: Sending) async throws {
        try await store.pool.write { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('sending', ?)",
                arguments: [sending.rawValue])
        }
    }

    func status() async throws -> OrderStatus {
        let store = store
        return try await store.pool.read { db in
            let outbox = try store.outboxStatus(in: db)
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT (SELECT count(*) FROM placed_order), (SELECT count(*) FROM deleted_order),
                        (SELECT value FROM setting WHERE name = 'sending')
                    """)
            return OrderStatus(
                orders: row?[0] ?? 0, deleted: row?[1] ?? 0, outboxWaiting: outbox.pending,
                outboxParked: outbox.parked,
                sending: (row?[2] as String?).flatMap(Sending.init(rawValue:)) ?? .outbox)
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
    var sending: Sending
}

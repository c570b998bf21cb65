import GRDB
import Tidings
import TidingsSQLite

/// Shipping's own tables and what is asked of them.
struct ShippingDatabase: Sendable {
    let store: SQLiteStore

    /// Opens the file and creates what is missing; several processes may do so at the same time.
    init(_ directory: DataDirectory) throws {
        store = try SQLiteStore(path: directory.file("shipping.sqlite"))
        try store.pool.write { db in try db.execute(sql: Self.schema) }
    }

    /// A cancellation is a row of its own, so that it may also come before what it cancels.
    private static let schema = """
        CREATE TABLE IF NOT EXISTS shipment (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            order_id TEXT NOT NULL UNIQUE,
            recipient TEXT NOT NULL,
            street TEXT NOT NULL,
            zip TEXT NOT NULL,
            city TEXT NOT NULL,
            created_at TEXT NOT NULL,
            instance TEXT NOT NULL,
            partition INTEGER NOT NULL,
            "offset" INTEGER NOT NULL,
            after_milliseconds INTEGER NOT NULL
        );
        CREATE TABLE IF NOT EXISTS shipment_line (
            order_id TEXT NOT NULL REFERENCES shipment (order_id),
            position INTEGER NOT NULL,
            item_id INTEGER NOT NULL,
            name TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (order_id, position)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS cancellation (
            order_id TEXT PRIMARY KEY,
            cancelled_at TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS duplicate (
            order_id TEXT NOT NULL,
            seen_at TEXT NOT NULL,
            instance TEXT NOT NULL
        );
        """

    /// Makes out the shipment of an order. Returns false, and counts a duplicate, when there is one already.
    static func insert(_ order: OrderToShip, _ handling: Handling, _ db: Database) throws -> Bool {
        let now = Timestamp.now().rfc3339
        let address = order.shippingAddress
        try db.execute(
            sql: """
                INSERT INTO shipment (order_id, recipient, street, zip, city, created_at, instance, partition, "offset",
                    after_milliseconds)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO NOTHING
                """,
            arguments: [
                order.orderId, order.customer.name, address.street, address.zip, address.city, now,
                handling.instance, handling.partition, handling.offset, handling.afterMilliseconds,
            ])
        guard db.changesCount == 1 else {
            try db.execute(
                sql: "INSERT INTO duplicate (order_id, seen_at, instance) VALUES (?, ?, ?)",
                arguments: [order.orderId, now, handling.instance])
            return false
        }
        for (position, line) in order.lines.enumerated() {
            try db.execute(
                sql: "INSERT INTO shipment_line (order_id, position, item_id, name, count) VALUES (?, ?, ?, ?, ?)",
                arguments: [order.orderId, position, line.itemId, line.name, line.count])
        }
        return true
    }

    static func cancel(_ id: String, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO cancellation (order_id, cancelled_at) VALUES (?, ?)",
            arguments: [id, Timestamp.now().rfc3339])
    }

    private static let selection = """
        SELECT s.order_id, s.recipient, s.street, s.zip, s.city, s.created_at, c.cancelled_at, s.instance, s.partition,
            s."offset", s.after_milliseconds, s.sequence
        FROM shipment s LEFT JOIN cancellation c USING (order_id)
        """

    /// The newest first, those made out before `sequence` if given; with each its sequence.
    func shipments(limit: Int, before sequence: Int64? = nil) async throws -> [(Int64, Shipment)] {
        try await store.pool.read { db in
            try Row.fetchAll(
                db, sql: Self.selection + " WHERE s.sequence < ? ORDER BY s.sequence DESC LIMIT ?",
                arguments: [sequence ?? .max, limit]
            ).map { ($0[11], Shipment($0)) }
        }
    }

    func shipment(of order: String) async throws -> Shipment? {
        try await store.pool.read { db in
            guard let row = try Row.fetchOne(db, sql: Self.selection + " WHERE s.order_id = ?", arguments: [order])
            else { return nil }
            var shipment = Shipment(row)
            shipment.lines = try Row.fetchAll(
                db, sql: "SELECT item_id, name, count FROM shipment_line WHERE order_id = ? ORDER BY position",
                arguments: [order]
            ).map { Shipment.Line(itemId: $0[0], name: $0[1], count: $0[2]) }
            return shipment
        }
    }

    func status() async throws -> ConsumerStatus {
        try await store.pool.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT (SELECT count(*) FROM shipment),
                        (SELECT count(*) FROM shipment JOIN cancellation USING (order_id)),
                        (SELECT count(*) FROM duplicate)
                    """)
            return ConsumerStatus(count: row?[0] ?? 0, cancelled: row?[1] ?? 0, duplicates: row?[2] ?? 0)
        }
    }
}

extension Shipment {
    fileprivate init(_ row: Row) {
        self.init(
            orderId: row[0], recipient: row[1], address: Address(street: row[2], zip: row[3], city: row[4]),
            createdAt: row[5], cancelledAt: row[6],
            handling: Handling(instance: row[7], partition: row[8], offset: row[9], afterMilliseconds: row[10]),
            lines: nil)
    }
}

import GRDB
import Tidings
import TidingsSQLite

/// Invoicing's own tables and what is asked of them; all its instances share them.
struct InvoicingDatabase: Sendable {
    let store: SQLiteStore

    /// Opens the file and creates what is missing; several processes may do so at the same time.
    init(_ directory: DataDirectory) throws {
        store = try SQLiteStore(path: directory.file("invoicing.sqlite"))
        try store.pool.write { db in try db.execute(sql: Self.schema) }
    }

    /// A cancellation is a row of its own: an invoice, once made out, is never altered, and a cancellation may also
    /// come before what it cancels.
    private static let schema = """
        CREATE TABLE IF NOT EXISTS invoice (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            order_id TEXT NOT NULL UNIQUE,
            customer TEXT NOT NULL,
            email TEXT NOT NULL,
            street TEXT NOT NULL,
            zip TEXT NOT NULL,
            city TEXT NOT NULL,
            total_cents INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            instance TEXT NOT NULL,
            partition INTEGER NOT NULL,
            "offset" INTEGER NOT NULL,
            after_milliseconds INTEGER NOT NULL
        );
        CREATE TABLE IF NOT EXISTS invoice_line (
            order_id TEXT NOT NULL REFERENCES invoice (order_id),
            position INTEGER NOT NULL,
            name TEXT NOT NULL,
            price_cents INTEGER NOT NULL,
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

    /// Makes out the invoice for an order. Returns false, and counts a duplicate, when there is one already.
    static func insert(_ order: OrderToInvoice, _ handling: Handling, _ db: Database) throws -> Bool {
        let now = Timestamp.now().rfc3339
        let address = order.billingAddress
        try db.execute(
            sql: """
                INSERT INTO invoice (order_id, customer, email, street, zip, city, total_cents, created_at, instance,
                    partition, "offset", after_milliseconds)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO NOTHING
                """,
            arguments: [
                order.orderId, order.customer.name, order.customer.email, address.street, address.zip, address.city,
                order.totalCents, now, handling.instance, handling.partition, handling.offset,
                handling.afterMilliseconds,
            ])
        guard db.changesCount == 1 else {
            try db.execute(
                sql: "INSERT INTO duplicate (order_id, seen_at, instance) VALUES (?, ?, ?)",
                arguments: [order.orderId, now, handling.instance])
            return false
        }
        for (position, line) in order.lines.enumerated() {
            try db.execute(
                sql: "INSERT INTO invoice_line (order_id, position, name, price_cents, count) VALUES (?, ?, ?, ?, ?)",
                arguments: [order.orderId, position, line.name, line.priceCents, line.count])
        }
        return true
    }

    static func cancel(_ id: String, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR IGNORE INTO cancellation (order_id, cancelled_at) VALUES (?, ?)",
            arguments: [id, Timestamp.now().rfc3339])
    }

    private static let selection = """
        SELECT i.number, i.order_id, i.customer, i.email, i.street, i.zip, i.city, i.total_cents, i.created_at,
            c.cancelled_at, i.instance, i.partition, i."offset", i.after_milliseconds
        FROM invoice i LEFT JOIN cancellation c USING (order_id)
        """

    /// The newest first, those with a number below `number` if given.
    func invoices(limit: Int, before number: Int64? = nil) async throws -> [Invoice] {
        try await store.pool.read { db in
            try Row.fetchAll(
                db, sql: Self.selection + " WHERE i.number < ? ORDER BY i.number DESC LIMIT ?",
                arguments: [number ?? .max, limit]
            ).map(Invoice.init)
        }
    }

    func invoice(for order: String) async throws -> Invoice? {
        try await store.pool.read { db in
            guard let row = try Row.fetchOne(db, sql: Self.selection + " WHERE i.order_id = ?", arguments: [order])
            else { return nil }
            var invoice = Invoice(row)
            invoice.lines = try Row.fetchAll(
                db, sql: "SELECT name, price_cents, count FROM invoice_line WHERE order_id = ? ORDER BY position",
                arguments: [order]
            ).map { Invoice.Line(name: $0[0], priceCents: $0[1], count: $0[2]) }
            return invoice
        }
    }

    func status() async throws -> ConsumerStatus {
        try await store.pool.read { db in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT (SELECT count(*) FROM invoice),
                        (SELECT count(*) FROM invoice JOIN cancellation USING (order_id)),
                        (SELECT count(*) FROM duplicate)
                    """)
            return ConsumerStatus(count: row?[0] ?? 0, cancelled: row?[1] ?? 0, duplicates: row?[2] ?? 0)
        }
    }
}

extension Invoice {
    fileprivate init(_ row: Row) {
        self.init(
            number: row[0], orderId: row[1], customer: row[2], email: row[3],
            address: Address(street: row[4], zip: row[5], city: row[6]), totalCents: row[7], createdAt: row[8],
            cancelledAt: row[9],
            handling: Handling(instance: row[10], partition: row[11], offset: row[12], afterMilliseconds: row[13]),
            lines: nil)
    }
}

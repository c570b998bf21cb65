import GRDB

extension OrderDatabase {
    static let schema = """
        CREATE TABLE IF NOT EXISTS item (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            price_cents INTEGER NOT NULL CHECK (price_cents >= 0)
        );
        CREATE TABLE IF NOT EXISTS customer (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            email TEXT NOT NULL
        );
        CREATE TABLE IF NOT EXISTS placed_order (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            customer_id INTEGER NOT NULL REFERENCES customer,
            total_cents INTEGER NOT NULL,
            shipping_street TEXT NOT NULL,
            shipping_zip TEXT NOT NULL,
            shipping_city TEXT NOT NULL,
            billing_street TEXT NOT NULL,
            billing_zip TEXT NOT NULL,
            billing_city TEXT NOT NULL,
            placed_at TEXT NOT NULL
        );
        CREATE TABLE IF NOT EXISTS order_line (
            order_id TEXT NOT NULL REFERENCES placed_order (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            item_id INTEGER NOT NULL,
            name TEXT NOT NULL,
            price_cents INTEGER NOT NULL,
            count INTEGER NOT NULL CHECK (count >= 1),
            PRIMARY KEY (order_id, position)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS deleted_order (
            id TEXT PRIMARY KEY,
            deleted_at TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS setting (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) WITHOUT ROWID;
        """

    /// What there is to buy, and who buys; only on the first start, so that changed prices stay changed.
    static func seed(_ db: Database) throws {
        for (index, item) in items.enumerated() {
            try db.execute(
                sql: "INSERT OR IGNORE INTO item (id, name, price_cents) VALUES (?, ?, ?)",
                arguments: [index + 1, item.name, item.cents])
        }
        for (index, customer) in customers.enumerated() {
            try db.execute(
                sql: "INSERT OR IGNORE INTO customer (id, name, email) VALUES (?, ?, ?)",
                arguments: [index + 1, customer.name, customer.email])
        }
    }

    private static let items: [(name: String, cents: Int)] = [
        ("Fountain pen", 38_00), ("Ink, midnight blue", 12_50), ("Notebook, dotted", 17_90),
        ("Letter paper, 50 sheets", 9_95), ("Sealing wax, red", 6_40), ("Blotting paper", 3_20),
        ("Desk lamp", 129_00), ("Pencils, a dozen", 11_99),
    ]

    private static let customers: [(name: String, email: String)] = [
        ("Ada Lovelace", "ada@example.org"), ("Grace Hopper", "grace@example.org"),
        ("Edsger Dijkstra", "edsger@example.org"), ("Barbara Liskov", "barbara@example.org"),
        ("Leslie Lamport", "leslie@example.org"),
    ]

    /// Writes the order and its lines.
    static func insert(_ order: Order, _ db: Database) throws {
        let shipping = order.shippingAddress
        let billing = order.billingAddress
        try db.execute(
            sql: """
                INSERT INTO placed_order (id, customer_id, total_cents, shipping_street, shipping_zip, shipping_city,
                    billing_street, billing_zip, billing_city, placed_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                order.id, order.customer.id, order.totalCents, shipping.street, shipping.zip, shipping.city,
                billing.street, billing.zip, billing.city, order.placedAt,
            ])
        for (position, line) in order.lines.enumerated() {
            try db.execute(
                sql: """
                    INSERT INTO order_line (order_id, position, item_id, name, price_cents, count)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [order.id, position, line.itemId, line.name, line.priceCents, line.count])
        }
    }

    /// Deletes the order with its lines and remembers that it was there; false when it is not.
    static func delete(_ id: String, at time: String, _ db: Database) throws -> Bool {
        try db.execute(sql: "DELETE FROM placed_order WHERE id = ?", arguments: [id])
        guard db.changesCount > 0 else { return false }
        try db.execute(
            sql: "INSERT OR IGNORE INTO deleted_order (id, deleted_at) VALUES (?, ?)", arguments: [id, time])
        return true
    }
}

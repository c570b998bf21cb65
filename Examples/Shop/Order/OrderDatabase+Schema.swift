extension OrderDatabase {
    static func tables(_ dialect: Dialect) -> [String] {
        [
            "item (id BIGINT PRIMARY KEY, name TEXT NOT NULL, price_cents BIGINT NOT NULL CHECK (price_cents >= 0))",
            "customer (id BIGINT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL)",
            """
            placed_order (
                sequence \(dialect.growingKey),
                id TEXT NOT NULL UNIQUE,
                customer_id BIGINT NOT NULL REFERENCES customer (id),
                total_cents BIGINT NOT NULL,
                shipping_street TEXT NOT NULL,
                shipping_zip TEXT NOT NULL,
                shipping_city TEXT NOT NULL,
                billing_street TEXT NOT NULL,
                billing_zip TEXT NOT NULL,
                billing_city TEXT NOT NULL,
                placed_at TEXT NOT NULL
            )
            """,
            """
            order_line (
                order_id TEXT NOT NULL REFERENCES placed_order (id) ON DELETE CASCADE,
                position INTEGER NOT NULL,
                item_id BIGINT NOT NULL,
                name TEXT NOT NULL,
                price_cents BIGINT NOT NULL,
                count BIGINT NOT NULL CHECK (count >= 1),
                PRIMARY KEY (order_id, position)
            )
            """,
            """
            customer_address (
                customer_id BIGINT PRIMARY KEY REFERENCES customer (id),
                street TEXT NOT NULL,
                zip TEXT NOT NULL,
                city TEXT NOT NULL
            )
            """,
            "customer_left (customer_id BIGINT PRIMARY KEY REFERENCES customer (id), left_at TEXT NOT NULL)",
            "deleted_order (id TEXT PRIMARY KEY, deleted_at TEXT NOT NULL)",
            "setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        ]
    }

    /// What there is to buy, and who buys; only on the first start, so that changed prices stay changed.
    @Sendable static func seed(_ sql: any SQL) throws {
        for (index, item) in items.enumerated() {
            try sql.run(
                "INSERT INTO item (id, name, price_cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", index + 1,
                item.name, item.cents)
        }
        for (index, customer) in customers.enumerated() {
            try sql.run(
                "INSERT INTO customer (id, name, email) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", index + 1,
                customer.name, customer.email)
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
}

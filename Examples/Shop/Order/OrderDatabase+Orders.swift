extension OrderDatabase {
    private static let summaries = """
        SELECT c.id, c.name, c.email, o.id, o.total_cents, o.placed_at, o.sequence,
            (SELECT count(*) FROM order_line l WHERE l.order_id = o.id)
        FROM placed_order o JOIN customer c ON c.id = o.customer_id
        """

    /// The newest orders first, those accepted before `sequence` if given.
    func orders(limit: Int, before sequence: Int? = nil) async throws -> [OrderSummary] {
        try await store.read { sql in
            try sql.rows(
                "\(Self.summaries) WHERE o.sequence < $1 ORDER BY o.sequence DESC LIMIT $2", sequence ?? .max, limit
            ).map(Self.summary)
        }
    }

    /// Those accepted after `sequence`, the oldest first: for one who follows what is accepted.
    func orders(after sequence: Int, limit: Int) async throws -> [OrderSummary] {
        try await store.read { sql in
            try sql.rows("\(Self.summaries) WHERE o.sequence > $1 ORDER BY o.sequence LIMIT $2", sequence, limit)
                .map(Self.summary)
        }
    }

    private static func summary(_ row: any SQLRow) throws -> OrderSummary {
        OrderSummary(
            id: try row.text(3), customer: try Customer(row, from: 0), lineCount: try row.integer(7),
            totalCents: try row.integer(4), placedAt: try row.text(5), sequence: try row.integer(6))
    }

    /// The numbers of all orders that were deleted again.
    func deletedOrders() async throws -> [String] {
        try await store.read { try $0.rows("SELECT id FROM deleted_order ORDER BY id").map { try $0.text(0) } }
    }

    func order(_ id: String) async throws -> Order? {
        try await store.read { sql in
            let row = try sql.rows(
                """
                SELECT c.id, c.name, c.email, o.shipping_street, o.shipping_zip, o.shipping_city,
                    o.billing_street, o.billing_zip, o.billing_city, o.total_cents, o.placed_at
                FROM placed_order o JOIN customer c ON c.id = o.customer_id
                WHERE o.id = $1
                """, id
            ).first
            guard let row else { return nil }
            let lines = try sql.rows(
                "SELECT item_id, name, price_cents, count FROM order_line WHERE order_id = $1 ORDER BY position", id
            ).map {
                OrderLine(
                    itemId: try $0.integer(0), name: try $0.text(1), priceCents: try $0.integer(2),
                    count: try $0.integer(3))
            }
            return Order(
                id: id, customer: try Customer(row, from: 0), lines: lines,
                shippingAddress: try Address(row, from: 3), billingAddress: try Address(row, from: 6),
                totalCents: try row.integer(9), placedAt: try row.text(10))
        }
    }

    /// When the order was deleted, if it was.
    func deletion(of id: String) async throws -> String? {
        try await store.read { sql in
            try sql.rows("SELECT deleted_at FROM deleted_order WHERE id = $1", id).first?.text(0)
        }
    }

    /// Writes the order and its lines; false, and nothing is written, when one of that number is there.
    static func insert(_ order: Order, _ sql: any SQL) throws -> Bool {
        let shipping = order.shippingAddress
        let billing = order.billingAddress
        let written = try sql.run(
            """
            INSERT INTO placed_order (id, customer_id, total_cents, shipping_street, shipping_zip, shipping_city,
                billing_street, billing_zip, billing_city, placed_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
            """, order.id, order.customer.id, order.totalCents, shipping.street, shipping.zip, shipping.city,
            billing.street, billing.zip, billing.city, order.placedAt)
        guard written == 1 else { return false }
        for (position, line) in order.lines.enumerated() {
            try sql.run(
                """
                INSERT INTO order_line (order_id, position, item_id, name, price_cents, count)
                VALUES ($1, $2, $3, $4, $5, $6)
                """, order.id, position, line.itemId, line.name, line.priceCents, line.count)
        }
        return true
    }

    /// Deletes the order with its lines and remembers that it was there; false when it is not.
    static func delete(_ id: String, at time: String, _ sql: any SQL) throws -> Bool {
        guard try sql.run("DELETE FROM placed_order WHERE id = $1", id) > 0 else { return false }
        try sql.run("INSERT INTO deleted_order (id, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, time)
        return true
    }
}

extension Customer {
    init(_ row: any SQLRow, from column: Int) throws {
        self.init(id: try row.integer(column), name: try row.text(column + 1), email: try row.text(column + 2))
    }
}

extension Address {
    /// Street, postcode and city, from a column on.
    init(_ row: any SQLRow, from column: Int) throws {
        self.init(street: try row.text(column), zip: try row.text(column + 1), city: try row.text(column + 2))
    }
}

import Tidings

/// The customers, and what is known of them beyond their names. One who leaves is marked, since orders name them.
extension OrderDatabase {
    private static let selection = """
        SELECT c.id, c.name, c.email, a.street, a.zip, a.city FROM customer c
        LEFT JOIN customer_address a ON a.customer_id = c.id
        WHERE NOT EXISTS (SELECT 1 FROM customer_left l WHERE l.customer_id = c.id)
        """

    func directory() async throws -> [CustomerEntry] {
        try await store.read { try Self.directory($0) }
    }

    static func directory(_ sql: any SQL) throws -> [CustomerEntry] {
        try sql.rows("\(selection) ORDER BY c.id").map(Self.entry)
    }

    private static func entry(_ row: any SQLRow) throws -> CustomerEntry {
        CustomerEntry(
            id: try row.integer(0), name: try row.text(1), email: try row.text(2),
            address: try row.textIfAny(3) == nil ? nil : try Address(row, from: 3))
    }

    static func move(_ id: Int, to address: Address, _ sql: any SQL) throws {
        try sql.run(
            """
            INSERT INTO customer_address (customer_id, street, zip, city) VALUES ($1, $2, $3, $4)
            ON CONFLICT (customer_id) DO UPDATE SET
                street = excluded.street, zip = excluded.zip, city = excluded.city
            """, id, address.street, address.zip, address.city)
    }

    static func remove(_ id: Int, at time: String, _ sql: any SQL) throws {
        try sql.run("DELETE FROM customer_address WHERE customer_id = $1", id)
        try sql.run("INSERT INTO customer_left (customer_id, left_at) VALUES ($1, $2)", id, time)
    }

    /// Tells of all customers once, on the first start: from then on of each that changes.
    func announceCustomers(on topic: Topic<CustomerChanged>) async throws {
        try await store.tell { sql in
            let isFirst =
                try sql.run(
                    "INSERT INTO setting (name, value) VALUES ('directory', 'announced') ON CONFLICT DO NOTHING") == 1
            return try !isFirst
                ? []
                : Self.directory(sql).map {
                    try EventRecord(CustomerChanged(customer: $0), id: EventID(), topic: topic, source: "/shop/order")
                }
        }
    }
}

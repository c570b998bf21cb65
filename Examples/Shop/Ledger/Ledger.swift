import Logging
import Tidings

/// A service's documents, one for each order, in a database that all its processes share.
struct Ledger<D: Document>: Sendable {
    let store: any ShopStore
    /// Its places in the order topic's partitions.
    private let places: [GroupPartition]

    /// Opens the database and makes what is missing.
    init(_ shop: ShopOptions, logger: Logger) async throws {
        store = try await shop.openDatabase(of: D.service, logger: logger)
        places = (0..<Int32(ShopTopics.partitions)).map {
            GroupPartition(group: shop.group(D.service), topic: shop.topic, partition: $0)
        }
        try await store.prepare(Self.tables)
    }

    /// Makes out the document for an order. Returns false, and counts a duplicate, when there is one already.
    static func makeOut(_ order: D.Order, _ handling: Handling, _ sql: any SQL) throws -> Bool {
        let now = Timestamp.now().rfc3339
        let common: [any SQLValue] = [
            order.orderId, now, handling.instance, handling.partition, handling.offset, handling.afterMilliseconds,
        ]
        let names = Self.commonColumns + Self.names(D.columns)
        guard try sql.run(Self.insertion(D.table, names), common + D.values(of: order)) == 1 else {
            try sql.run(
                "INSERT INTO duplicate (order_id, seen_at, instance) VALUES ($1, $2, $3)", order.orderId, now,
                handling.instance)
            return false
        }
        try sql.run(
            Self.insertion("\(D.table)_customer", ["order_id", "customer_id"]), order.orderId, D.customer(of: order))
        let insertion = Self.insertion("\(D.table)_line", ["order_id", "position"] + Self.names(D.lineColumns))
        for (position, values) in D.lineValues(of: order).enumerated() {
            try sql.run(insertion, [order.orderId, position] + values)
        }
        return true
    }

    static func cancel(_ id: String, _ sql: any SQL) throws {
        try sql.run(insertion("cancellation", ["order_id", "cancelled_at"]), id, Timestamp.now().rfc3339)
    }

    /// The newest first, those with a number below `number` if given.
    func documents(limit: Int, before number: Int? = nil) async throws -> [D] {
        try await store.read { sql in
            try sql.rows(
                "\(Self.selection) WHERE d.number < $1 ORDER BY d.number DESC LIMIT $2", number ?? .max, limit
            ).map(Self.document)
        }
    }

    /// Those with a number above `number`, the oldest first: for one who follows what is made out.
    func documents(after number: Int, limit: Int) async throws -> [D] {
        try await store.read { sql in
            try sql.rows("\(Self.selection) WHERE d.number > $1 ORDER BY d.number LIMIT $2", number, limit)
                .map(Self.document)
        }
    }

    func document(for order: String) async throws -> D? {
        try await store.read { sql in
            guard let row = try sql.rows("\(Self.selection) WHERE d.order_id = $1", order).first else { return nil }
            var document = try Self.document(row)
            let columns = Self.names(D.lineColumns).joined(separator: ", ")
            document.customerId = try sql.rows(
                "SELECT customer_id FROM \(D.table)_customer WHERE order_id = $1", order
            ).first?.integer(0)
            document.lines = try sql.rows(
                "SELECT \(columns) FROM \(D.table)_line WHERE order_id = $1 ORDER BY position", order
            ).map(D.line)
            return document
        }
    }

    /// The order that a document of this number is for; nil when there is no such document.
    func order(ofNumber number: Int) async throws -> String? {
        try await store.read { sql in
            try sql.rows("SELECT order_id FROM \(D.table) WHERE number = $1", number).first?.text(0)
        }
    }

    /// All cancellations that were heard of.
    func cancellations() async throws -> [OrderCancellation] {
        try await store.read { sql in
            try sql.rows("SELECT order_id, cancelled_at FROM cancellation ORDER BY cancelled_at, order_id").map {
                OrderCancellation(orderId: try $0.text(0), cancelledAt: try $0.text(1))
            }
        }
    }

    func status() async throws -> ConsumerStatus {
        try await store.read { sql in
            // Read first: what is counted then holds what was handled up to there.
            let offsets = try store.offsets(of: places, sql)
            let row = try sql.rows(
                """
                SELECT (SELECT count(*) FROM \(D.table)),
                    (SELECT count(*) FROM \(D.table) JOIN cancellation USING (order_id)),
                    (SELECT count(*) FROM duplicate)
                """)[0]
            return ConsumerStatus(
                count: try row.integer(0), cancelled: try row.integer(1), duplicates: try row.integer(2),
                offsets: offsets)
        }
    }
}

extension Ledger {
    /// A cancellation is a row of its own, so that a document is never altered, and that it may come first.
    private static func tables(_ dialect: Dialect) -> [String] {
        [
            """
            \(D.table) (
                number \(dialect.growingKey),
                order_id TEXT NOT NULL UNIQUE,
                created_at TEXT NOT NULL,
                instance TEXT NOT NULL,
                partition INTEGER NOT NULL,
                "offset" BIGINT NOT NULL,
                after_milliseconds BIGINT NOT NULL,
                \(D.columns.joined(separator: ",\n"))
            )
            """,
            """
            \(D.table)_line (
                order_id TEXT NOT NULL REFERENCES \(D.table) (order_id),
                position INTEGER NOT NULL,
                \(D.lineColumns.joined(separator: ",\n")),
                PRIMARY KEY (order_id, position)
            )
            """,
            "\(D.table)_customer (order_id TEXT PRIMARY KEY, customer_id BIGINT NOT NULL)",
            "cancellation (order_id TEXT PRIMARY KEY, cancelled_at TEXT NOT NULL)",
            "duplicate (order_id TEXT NOT NULL, seen_at TEXT NOT NULL, instance TEXT NOT NULL)",
        ]
    }

    private static var commonColumns: [String] {
        ["order_id", "created_at", "instance", "partition", "\"offset\"", "after_milliseconds"]
    }

    /// `name` of `name TEXT NOT NULL`
    private static func names(_ columns: [String]) -> [String] {
        columns.map { String($0.prefix { $0 != " " }) }
    }

    /// What is there already stays as it is.
    private static func insertion(_ table: String, _ columns: [String]) -> String {
        let places = (1...columns.count).map { "$\($0)" }.joined(separator: ", ")
        return """
            INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(places)) ON CONFLICT DO NOTHING
            """
    }

    /// Its own columns first.
    private static var selection: String {
        let columns = (names(D.columns) + ["number"] + commonColumns).map { "d.\($0)" }
        return """
            SELECT \(columns.joined(separator: ", ")), c.cancelled_at
            FROM \(D.table) d LEFT JOIN cancellation c ON c.order_id = d.order_id
            """
    }

    private static func document(_ row: any SQLRow) throws -> D {
        let common = D.columns.count
        let handling = Handling(
            instance: try row.text(common + 3), partition: try row.integer(common + 4),
            offset: Int64(try row.integer(common + 5)), afterMilliseconds: Int64(try row.integer(common + 6)))
        let head = DocumentHead(
            number: try row.integer(common), orderId: try row.text(common + 1), createdAt: try row.text(common + 2),
            cancelledAt: try row.textIfAny(common + 7), handling: handling)
        return try D(head, row)
    }
}

import Tidings

extension PostgresStore {
    public func keepSnapshot(_ bytes: [UInt8]?, of view: String, in db: PostgresTransaction) throws {
        try lock(view, db)
        try db.execute("delete from tidings_snapshot where view = $1", view)
        guard let bytes else { return }
        for (part, start) in stride(from: 0, to: max(1, bytes.count), by: Self.partSize).enumerated() {
            let content = Array(bytes[start..<min(start + Self.partSize, bytes.count)])
            try db.execute(
                "insert into tidings_snapshot (view, part, content) values ($1, $2, $3)", view, Int32(part), content)
        }
    }

    public func snapshot(of view: String, in db: PostgresTransaction) throws -> [UInt8]? {
        // Part by part, so that no result holds them all beside what is made of them. All are of one snapshot: whoever
        // replaces it waits for this lock, and takes the other parts away in the same transaction.
        _ = try db.query("select pg_advisory_xact_lock_shared(hashtextextended($1, 7))", "tidings snapshot \(view)")
        let count: Int64 = try db.query("select count(*) from tidings_snapshot where view = $1", view)[0][0]
        if count == 0 { return nil }
        var bytes: [UInt8] = []
        for part in 0..<Int32(count) {
            let content: [UInt8] = try db.query(
                "select content from tidings_snapshot where view = $1 and part = $2", view, part)[0][0]
            bytes += content
        }
        return bytes
    }

    public func snapshotStart(of view: String, in db: PostgresTransaction) throws -> [UInt8]? {
        try lock(view, db)
        let parts = try db.query("select content from tidings_snapshot where view = $1 and part = 0", view)
        return parts.isEmpty ? nil : try parts[0][0]
    }

    public func viewsWithSnapshots(in db: PostgresTransaction) throws -> [String] {
        try db.query("select view from tidings_snapshot where part = 0").map { try $0[0] }
    }

    /// One at a time: of two that replace the same snapshot at once, the second would find its parts there already.
    private func lock(_ view: String, _ db: PostgresTransaction) throws {
        _ = try db.query("select pg_advisory_xact_lock(hashtextextended($1, 7))", "tidings snapshot \(view)")
    }

    /// Far below what PostgreSQL takes as one value.
    private static let partSize = 1 << 20
}

extension PostgresSchema {
    /// - `tidings_snapshot`: views' snapshots, in parts of a megabyte.
    static let snapshots = [
        """
        create table tidings_snapshot (
            view text not null,
            part integer not null,
            content bytea not null,
            primary key (view, part)
        )
        """,
        // It would cost more time than it saves room.
        "alter table tidings_snapshot alter column content set storage external",
    ]
}

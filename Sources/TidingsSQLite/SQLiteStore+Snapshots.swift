import GRDB
import Tidings

extension SQLiteStore {
    public func keepSnapshot(_ bytes: [UInt8]?, of view: String, in db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM tidings_snapshot WHERE view = ?").execute(arguments: [view])
        guard let bytes else { return }
        let insert = try db.cachedStatement(sql: "INSERT INTO tidings_snapshot (view, part, content) VALUES (?, ?, ?)")
        for (part, start) in stride(from: 0, to: max(1, bytes.count), by: Self.partSize).enumerated() {
            let content = Array(bytes[start..<min(start + Self.partSize, bytes.count)])
            try insert.execute(arguments: [view, part, content.blob])
        }
    }

    public func snapshot(of view: String, in db: Database) throws -> [UInt8]? {
        let statement = try db.cachedStatement(
            sql: "SELECT content FROM tidings_snapshot WHERE view = ? ORDER BY part")
        let parts = try Row.fetchCursor(statement, arguments: [view])
        var (bytes, isThere): ([UInt8], Bool) = ([], false)
        while let part = try parts.next() {
            isThere = true
            bytes += try part.bytes(0) ?? []
        }
        return isThere ? bytes : nil
    }

    public func snapshotStart(of view: String, in db: Database) throws -> [UInt8]? {
        let statement = try db.cachedStatement(
            sql: "SELECT content FROM tidings_snapshot WHERE view = ? AND part = 0")
        return try Row.fetchOne(statement, arguments: [view]).map { try $0.bytes(0) ?? [] }
    }

    public func viewsWithSnapshots(in db: Database) throws -> [String] {
        try String.fetchAll(db, sql: "SELECT view FROM tidings_snapshot WHERE part = 0")
    }

    /// Below what SQLite takes as one value, and short enough to be copied in passing.
    private static let partSize = 1 << 20
}

extension SQLiteSchema {
    /// - `tidings_snapshot`: views' snapshots, in parts of a megabyte.
    static let snapshots = """
        CREATE TABLE tidings_snapshot (
            view TEXT NOT NULL,
            part INTEGER NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (view, part)
        );
        """
}

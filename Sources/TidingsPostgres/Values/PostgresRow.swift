/// The rows that a query gave, all of them in memory; they may leave the transaction.
public struct PostgresRows: RandomAccessCollection, Sendable {
    let result: PostgresResult

    public var startIndex: Int { 0 }
    public var endIndex: Int { result.rowCount }

    public subscript(index: Int) -> PostgresRow {
        precondition(indices.contains(index), "no row \(index) among \(count)")
        return PostgresRow(result: result, index: index)
    }

    /// The names of the columns in order.
    public var columns: [String] { (0..<result.columnCount).map(result.columnName) }
}

/// One row of a query.
///
/// ```swift
/// for row in try db.query("select id, name, paid_at from invoice where paid_at > $1", since) {
///     let id: Int64 = try row["id"]
///     let paid: Timestamp? = try row["paid_at"]
/// }
/// ```
public struct PostgresRow: Sendable {
    let result: PostgresResult
    let index: Int

    /// The value of the first column of that name.
    ///
    /// - Throws: ``PostgresError/Code/decoding`` when there is no such column, its type does not fit, or it is null and
    ///   `T` is no optional.
    public subscript<T: PostgresDecodable>(column: String) -> T {
        get throws {
            guard let position = result.column(named: column) else {
                throw PostgresError(.decoding, "there is no column “\(column)”")
            }
            return try self[position]
        }
    }

    /// The value of the column at that place, from 0.
    public subscript<T: PostgresDecodable>(column: Int) -> T {
        get throws {
            guard (0..<result.columnCount).contains(column) else {
                throw PostgresError(.decoding, "there is no column \(column)")
            }
            let type = result.columnType(column)
            let value = result.withBytes(row: index, column: column) { bytes in
                bytes.map { T.decode(PostgresCell(type: type, bytes: $0)) } ?? T.null
            }
            guard let value else {
                let name = result.columnName(column)
                throw PostgresError(
                    .decoding, "column “\(name)” of type \(type) cannot be read as \(T.self); cast it in the query")
            }
            return value
        }
    }
}

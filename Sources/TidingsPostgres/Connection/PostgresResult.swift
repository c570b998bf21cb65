import CPQ

/// What one statement gave: rows, a count, or an error.
///
/// `@unchecked Sendable`: libpq never changes a `PGresult` once it has handed it out, allows any thread to read it, and
/// this class alone frees it, when the last reference is gone.
final class PostgresResult: @unchecked Sendable {
    let handle: OpaquePointer

    init(_ handle: OpaquePointer) {
        self.handle = handle
    }

    deinit { PQclear(handle) }

    var rowCount: Int { Int(PQntuples(handle)) }
    var columnCount: Int { Int(PQnfields(handle)) }

    /// The rows that a statement wrote or gave.
    var affectedRows: Int { Int(String(cString: PQcmdTuples(handle))) ?? 0 }

    /// What the server says it has done, for example `COMMIT`.
    var commandTag: String { String(cString: PQcmdStatus(handle)) }

    func column(named name: String) -> Int? {
        for index in 0..<PQnfields(handle) {
            if let column = PQfname(handle, index), String(cString: column) == name { return Int(index) }
        }
        return nil
    }

    func columnName(_ index: Int) -> String {
        PQfname(handle, Int32(index)).map { String(cString: $0) } ?? ""
    }

    func columnType(_ index: Int) -> UInt32 { PQftype(handle, Int32(index)) }

    /// The bytes of one value; nil is null.
    func withBytes<R>(row: Int, column: Int, _ body: (UnsafeRawBufferPointer?) throws -> R) rethrows -> R {
        if PQgetisnull(handle, Int32(row), Int32(column)) == 1 { return try body(nil) }
        let length = Int(PQgetlength(handle, Int32(row), Int32(column)))
        return try body(UnsafeRawBufferPointer(start: PQgetvalue(handle, Int32(row), Int32(column)), count: length))
    }

    /// The error that came in place of a result.
    var error: PostgresError? {
        switch PQresultStatus(handle) {
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: break
        case PGRES_PIPELINE_ABORTED: return PostgresError(.transactionAborted, "an earlier statement failed")
        default: return nil
        }
        let state = field("C").map(SQLState.init)
        var code = state?.errorCode ?? .connectionLost
        // The plan of a prepared statement was overtaken by a change of the tables.
        if state?.rawValue == "0A000", field("R") == "RevalidateCachedQuery" { code = .staleStatement }
        let message = field("M") ?? String(cString: PQresultErrorMessage(handle)).trimmed
        return PostgresError(code, message, sqlState: state, detail: field("D"), constraint: field("n"))
    }

    /// A field of an error, by the letter that the protocol gives it.
    private func field(_ letter: Unicode.Scalar) -> String? {
        PQresultErrorField(handle, Int32(letter.value)).map { String(cString: $0) }
    }
}

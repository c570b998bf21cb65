/// One statement with its parameters, ready to be sent.
struct PostgresRequest {
    var sql: String
    var parameters: [PostgresValue] = []

    /// Whether the connection may keep it prepared for the next time.
    var isPrepared = true

    /// What identifies a prepared statement: its text and the types of its parameters.
    struct Shape: Hashable {
        var sql: String
        var types: [UInt32]
    }

    var shape: Shape { Shape(sql: sql, types: parameters.map(\.type)) }

    /// Refuses what libpq would send wrongly, before anything is sent.
    func validate() throws {
        guard parameters.count <= UInt16.max else {
            throw PostgresError(.statement, "a statement takes at most 65535 parameters", statement: sql)
        }
        for parameter in parameters where !parameter.isBinary && parameter.bytes?.contains(0) == true {
            throw PostgresError(.statement, "PostgreSQL's text cannot hold the character U+0000", statement: sql)
        }
    }

    /// Hands the parameters over in the form that libpq takes them.
    func withParameters<R>(
        _ body: (
            _ count: Int32, _ types: [UInt32], _ values: [UnsafePointer<CChar>?], _ lengths: [Int32],
            _ formats: [Int32]
        ) -> R
    ) -> R {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(parameters.reduce(1) { $0 + ($1.bytes?.count ?? 0) + 1 })
        var starts: [Int?] = []
        starts.reserveCapacity(parameters.count)
        for parameter in parameters {
            guard let value = parameter.bytes else {
                starts.append(nil)
                continue
            }
            starts.append(bytes.count)
            bytes.append(contentsOf: value)
            // A text ends with it.
            bytes.append(0)
        }
        return bytes.withUnsafeBytes { all in
            let first = all.baseAddress?.assumingMemoryBound(to: CChar.self)
            return body(
                Int32(parameters.count), parameters.map(\.type),
                starts.map { start in start.flatMap { first?.advanced(by: $0) } },
                parameters.map { Int32($0.bytes?.count ?? 0) }, parameters.map { $0.isBinary ? 1 : 0 })
        }
    }
}

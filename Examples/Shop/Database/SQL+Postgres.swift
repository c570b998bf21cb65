import TidingsPostgres

extension PostgresTransaction: SQL {
    static var dialect: Dialect { .postgres }

    func run(_ statement: String, _ values: [any SQLValue]) throws -> Int {
        try execute(statement, parameters: values)
    }

    func rows(_ query: String, _ values: [any SQLValue]) throws -> [any SQLRow] {
        Array(try self.query(query, parameters: values))
    }
}

extension PostgresRow: SQLRow {
    func integer(_ column: Int) throws -> Int { try self[column] }
    func text(_ column: Int) throws -> String { try self[column] }
    func textIfAny(_ column: Int) throws -> String? { try self[column] }
}

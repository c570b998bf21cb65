import GRDB

extension Database: SQL {
    static var dialect: Dialect { .sqlite }

    func run(_ statement: String, _ values: [any SQLValue]) throws -> Int {
        try execute(sql: statement, arguments: Self.arguments(values))
        return changesCount
    }

    func rows(_ query: String, _ values: [any SQLValue]) throws -> [any SQLRow] {
        try Row.fetchAll(self, sql: query, arguments: Self.arguments(values))
    }

    /// `$1` is the first value, wherever it stands.
    private static func arguments(_ values: [any SQLValue]) -> StatementArguments {
        var arguments = StatementArguments()
        for (index, value) in values.enumerated() {
            arguments += StatementArguments([String(index + 1): value])
        }
        return arguments
    }
}

extension Row: SQLRow {
    func integer(_ column: Int) throws -> Int { try decode(Int.self, atIndex: column) }
    func text(_ column: Int) throws -> String { try decode(String.self, atIndex: column) }
    func textIfAny(_ column: Int) throws -> String? { try decode(String?.self, atIndex: column) }
}

import GRDB
import TidingsPostgres

/// A transaction of either database as the shop's services see it: one statement that fits both, with `$1`, `$2`, … in
/// place of values.
///
/// SQLite's and PostgreSQL's connections are such transactions themselves, so the same closures serve a publisher, a
/// subscription and the services' own reads. What the two do not share is in ``Dialect``.
protocol SQL {
    static var dialect: Dialect { get }

    /// Runs a statement.
    ///
    /// - Returns: how many rows it wrote.
    @discardableResult
    func run(_ statement: String, _ values: [any SQLValue]) throws -> Int

    /// Runs a query.
    func rows(_ query: String, _ values: [any SQLValue]) throws -> [any SQLRow]
}

extension SQL {
    @discardableResult
    func run(_ statement: String, _ values: any SQLValue...) throws -> Int { try run(statement, values) }

    func rows(_ query: String, _ values: any SQLValue...) throws -> [any SQLRow] { try rows(query, values) }

    /// Waits for the end of every transaction that has taken its turn; from then on this one sees what they wrote.
    func takeTurn() throws {
        if let statement = Self.dialect.oneAtATime { _ = try rows(statement) }
    }
}

/// What may be in a column or in place of a `$1`.
protocol SQLValue: DatabaseValueConvertible, PostgresEncodable, Sendable {}

extension Int: SQLValue {}
extension Int64: SQLValue {}
extension String: SQLValue {}

/// A row of a query; columns are counted from 0.
protocol SQLRow {
    func integer(_ column: Int) throws -> Int
    func text(_ column: Int) throws -> String
    /// Nil when it is null.
    func textIfAny(_ column: Int) throws -> String?
}

/// What SQLite and PostgreSQL say differently.
struct Dialect: Sendable {
    /// A primary key that grows by itself.
    let growingKey: String
    /// Lets transactions go one after the other; nil where those that write do so anyway.
    let oneAtATime: String?

    static let sqlite = Dialect(growingKey: "INTEGER PRIMARY KEY AUTOINCREMENT", oneAtATime: nil)
    static let postgres = Dialect(
        growingKey: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        oneAtATime: "SELECT 1 FROM pg_advisory_xact_lock(\(0x73686f70))")
}

import Foundation
import Logging
import TidingsPostgres

/// The PostgreSQL server that `--database` names, where each service has a database of its own.
struct DatabaseServer: Sendable {
    private let url: String
    /// The name in the address; the services' databases are called `<name>_order` and so on.
    let name: String

    /// Reads `postgres://user@host:port/name?options`; nil when it is none, or has a name that cannot be one.
    init?(_ url: String) {
        guard let scheme = url.range(of: "://"), ["postgres", "postgresql"].contains(url[..<scheme.lowerBound])
        else { return nil }
        let path = url[scheme.upperBound...].prefix { $0 != "?" }
        let name = path.firstIndex(of: "/").map { path[path.index(after: $0)...] } ?? ""
        guard name.utf8.count <= 50, name.utf8.allSatisfy(OrderID.mayContain) else { return nil }
        self.url = url
        self.name = name.isEmpty ? "shop" : String(name)
    }

    /// Opens a service's database with Tidings' tables, and makes it if it is not there.
    func open(_ service: String, logger: Logger) async throws -> PostgresStore {
        let database = "\(name)_\(service)"
        try await create(database, logger: logger)
        return try await PostgresStore(configuration(database), logger: logger)
    }

    /// - Throws: ``ShopError`` when the server does not answer.
    func reach(within patience: Duration, logger: Logger) async throws {
        do {
            try await fromWithin { try await isThere(name, from: $0, within: patience, logger: logger) }
        } catch let error as PostgresError {
            throw ShopError(
                """
                PostgreSQL does not answer at \(address): \(error.message.split(separator: "\n").first ?? "").
                Is it running? Without --database each service keeps an SQLite file.
                """)
        }
    }

    /// The address without a password.
    var address: String {
        guard let scheme = url.range(of: "://") else { return url }
        var rest = String(url[scheme.upperBound...])
        if let at = rest.lastIndex(of: "@"), let colon = rest[..<at].firstIndex(of: ":") {
            rest.removeSubrange(colon..<at)
        }
        return "\(url[..<scheme.upperBound])\(rest.prefix { $0 != "?" })"
    }

    private func configuration(_ database: String) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(url)
        configuration.parameters["dbname"] = database
        return configuration
    }

    /// A database is asked for and made from within another one: that of the address if it is there, else `postgres`.
    private func fromWithin(_ body: (_ database: String) async throws -> Void) async throws {
        do {
            try await body(name)
        } catch let error as PostgresError where error.code == .connectionFailed && name != "postgres" {
            try await body("postgres")
        }
    }

    private func create(_ database: String, logger: Logger) async throws {
        do {
            try await fromWithin { try await create(database, from: $0, logger: logger) }
        } catch let error as PostgresError where error.code == .connectionFailed {
            throw ShopError("PostgreSQL cannot be reached at \(address): \(error.message)")
        }
    }

    private func create(_ database: String, from other: String, logger: Logger) async throws {
        guard try await !isThere(database, from: other, logger: logger) else { return }
        let pool = PostgresPool(configuration(other), logger: logger)
        defer { pool.close() }
        do {
            try await pool.executeAlone("create database \"\(database)\"")
        } catch let error as PostgresError where ["42P04", "23505"].contains(error.sqlState?.rawValue) {
            // Another process of the same service was faster.
        }
    }

    @discardableResult
    private func isThere(
        _ database: String, from other: String, within patience: Duration? = nil, logger: Logger
    ) async throws -> Bool {
        var configuration = configuration(other)
        if let patience { configuration.connectTimeout = patience }
        let pool = PostgresPool(configuration, logger: logger)
        defer { pool.close() }
        return try await pool.transaction { db in
            try !db.query("select 1 from pg_database where datname = $1", database).isEmpty
        }
    }
}

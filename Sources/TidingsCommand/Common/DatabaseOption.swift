import ArgumentParser
import Glibc
import Logging
import Tidings
import TidingsPostgres
import TidingsSQLite

/// `--database`: a service's own database, where its outbox and what it has parked are.
///
/// A command that works on it conforms to ``DatabaseCommand``.
struct DatabaseOption: ParsableArguments {
    @Option(
        name: .customLong("database"),
        help: ArgumentHelp(
            """
            The service's database: the path of an SQLite file, or postgres://USER@HOST/NAME. A password in the URL shows \
            in the list of processes; libpq's password file (~/.pgpass) and PGPASSWORD do not. (TIDINGS_DATABASE)
            """,
            valueName: "path-or-url"))
    var location: String?

    /// What the settings say, with its origin.
    func resolve(_ settings: Settings) throws -> Settings.Setting<String>? {
        try settings.text("database", flag: location, "--database")
    }

    /// Opens the database as it is: nothing is made, nothing is migrated.
    func open() async throws -> any Store {
        guard let location = try resolve(Settings())?.value, !location.isEmpty else {
            throw ValidationError("name the service's database: --database PATH-OR-URL, or TIDINGS_DATABASE")
        }
        return Self.isPostgres(location) ? try await openPostgres(location) : try openSQLite(location)
    }

    static func isPostgres(_ location: String) -> Bool {
        location.hasPrefix("postgres://") || location.hasPrefix("postgresql://")
    }

    /// Whether a server answers there, and lets us in.
    static func reachPostgres(_ location: String) async throws {
        try await postgres(location).pool.close()
    }

    /// - Returns: with connections to it, the version of Tidings' tables there; 0 if there are none.
    private static func postgres(_ location: String) async throws -> (pool: PostgresPool, version: Int) {
        var configuration = PostgresConfiguration(location)
        configuration.connectTimeout = .seconds(5)
        configuration.maximumConnections = 1
        configuration.parameters["application_name"] = "tidings"
        let pool = PostgresPool(configuration, logger: Logger(label: "postgres") { _ in SwiftLogNoOpLogHandler() })
        do {
            return (pool, try await PostgresSchema.version(of: pool))
        } catch let error as PostgresError {
            throw CommandFailure("cannot use \(Secrets.hidden(inDatabase: location)): \(error.message)")
        }
    }

    private func openPostgres(_ location: String) async throws -> any Store {
        let (pool, version) = try await Self.postgres(location)
        try check(version == 0 ? nil : version, known: PostgresSchema.version, in: location)
        return PostgresStore(pool: pool)
    }

    private func openSQLite(_ location: String) throws -> any Store {
        if let scheme = location.firstRange(of: "://").map({ location[..<$0.lowerBound] }) {
            throw CommandFailure("there is no store for \(scheme): name a file of SQLite or postgres://…")
        }
        guard access(location, R_OK | W_OK) == 0 else {
            throw CommandFailure("\(location): \(String(cString: strerror(errno)))")
        }
        let version: Int?
        do {
            version = try SQLiteSchema.version(ofFile: location)
        } catch {
            throw CommandFailure("\(location) cannot be read as an SQLite database (\(error))")
        }
        try check(version, known: SQLiteSchema.version, in: location)
        var configuration = SQLiteConfiguration()
        configuration.migratesOnOpen = false
        return try SQLiteStore(path: location, configuration: configuration)
    }

    private func check(_ version: Int?, known: Int, in location: String) throws {
        guard let version else {
            throw CommandFailure(
                """
                \(Secrets.hidden(inDatabase: location)) has none of Tidings' tables; is it the service's own database, \
                and has the service been started once?
                """)
        }
        if version < known {
            throw CommandFailure(
                """
                the tables have version \(version), this program knows \(known): start the service once with the \
                version of Tidings that this program has, which brings them up to date
                """)
        }
        if version > known {
            throw CommandFailure("the tables have version \(version), this program knows \(known): update tidings")
        }
    }
}

/// A command that does one thing with a service's database.
protocol DatabaseCommand: ToolCommand {
    var database: DatabaseOption { get }

    func run(on store: some Store) async throws
}

extension DatabaseCommand {
    func perform() async throws {
        try await run(on: try await database.open())
    }
}

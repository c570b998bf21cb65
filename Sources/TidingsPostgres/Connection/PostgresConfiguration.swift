/// Where a database is, and the limits for working with it.
///
/// ```swift
/// var configuration = PostgresConfiguration("postgres://shop:secret@db.example/order?sslmode=verify-full")
/// configuration.maximumConnections = 16
/// ```
public struct PostgresConfiguration: Sendable {
    /// How much a transaction sees of others that run beside it.
    public struct Isolation: Hashable, Sendable {
        let sql: String

        public static let readCommitted = Isolation(sql: "read committed")
        public static let repeatableRead = Isolation(sql: "repeatable read")
        public static let serializable = Isolation(sql: "serializable")
    }

    /// A `postgres://` URL or a `key=value` connection string, as libpq reads it.
    ///
    /// Host, port, user, password, TLS (`sslmode`, `sslrootcert`, …), several hosts and every other option of libpq's go
    /// here; so do libpq's environment variables and password file for what is left out.
    public var connectionString: String

    /// Any connection parameter of libpq by its name; wins over ``connectionString``.
    public var parameters: [String: String] = [:]

    /// How long to try one host before giving up; whole seconds, at least two (libpq's rule).
    public var connectTimeout: Duration = .seconds(10)

    /// The longest that one statement may take, its waits for locks included; nil leaves it to the server.
    public var statementTimeout: Duration? = .seconds(30)

    /// The longest that a statement may wait for one lock; nil leaves it to the server.
    public var lockTimeout: Duration?

    /// How long a transaction may sit idle before the server ends it; nil leaves it to the server.
    ///
    /// A transaction that holds a key's lock and does nothing keeps that key's later events back.
    public var idleInTransactionTimeout: Duration? = .seconds(60)

    /// Begin transactions with this isolation.
    public var isolation: Isolation = .readCommitted

    /// Turns `synchronous_commit` on where the server, database or user has it off, so that a commit is on disk.
    public var commitsDurably = true

    /// The pool opens at most so many connections.
    public var maximumConnections = 8

    /// How long to wait for a free connection of the pool.
    public var acquireTimeout: Duration = .seconds(30)

    /// How often a transaction is run again, in one call, that the server refused for a conflict with another
    /// (serialization failure, deadlock).
    public var conflictRetries = 5

    /// So many prepared statements are kept on each connection; the least recently used goes first.
    ///
    /// With 0 none are, as a connection pooler in front of the server may need it that gives each transaction another
    /// connection; then timeouts and ``commitsDurably`` travel with each transaction, as its first query.
    public var statementCacheSize = 256

    /// - Parameter connectionString: a `postgres://` URL or a `key=value` string.
    public init(_ connectionString: String) {
        self.connectionString = connectionString
    }

    /// Names and values for `PQconnectdbParams`: our defaults, the caller's string, the caller's parameters. Later
    /// ones win.
    var connectionParameters: [(name: String, value: String)] {
        let defaults = [
            ("connect_timeout", String(max(2, connectTimeout.components.seconds))),
            ("fallback_application_name", "tidings"),
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "40000"),
        ]
        let chosen = parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        return defaults + [("dbname", connectionString)] + chosen + [("client_encoding", "UTF8")]
    }

    /// Whether nothing may be left on a connection for the next transaction.
    var isBehindPooler: Bool { statementCacheSize == 0 }

    /// Sets what is configured, for one transaction or for the session.
    func settings(isLocal: Bool) -> PostgresRequest {
        let timeouts = [
            ("statement_timeout", statementTimeout), ("lock_timeout", lockTimeout),
            ("idle_in_transaction_session_timeout", idleInTransactionTimeout),
        ]
        let settings = timeouts.compactMap { name, limit in limit.map { (name, String(max(1, $0.milliseconds))) } }
        return PostgresRequest(
            sql: """
                select set_config(s.name, s.value, $4) from unnest($1, $2) as s(name, value)
                union all select set_config('synchronous_commit', 'on', $4)
                where $3 and current_setting('synchronous_commit') = 'off'
                """,
            parameters: [
                .array(settings.map(\.0)), .array(settings.map(\.1)), commitsDurably.postgresValue,
                isLocal.postgresValue,
            ], isPrepared: false)
    }
}

extension Duration {
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

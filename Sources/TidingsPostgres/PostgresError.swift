import Tidings

/// What can go wrong between a service and its PostgreSQL database.
///
/// ```swift
/// do {
///     try await pool.transaction { db in try db.execute("insert into customer (email) values ($1)", email) }
/// } catch let error as PostgresError where error.sqlState == .uniqueViolation {
///     // taken
/// }
/// ```
public struct PostgresError: Error, Sendable {
    /// The kind of error. New kinds may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case connectionFailed, connectionLost, commitUnknown, serializationFailure, deadlock, timeout, cancelled
            case outOfResources, readOnly, staleStatement, constraintViolation, statement, transactionAborted
            case transactionControl, transactionOver, poolTimeout, closed, decoding, invalidConfiguration
            case unsupportedServer, newerSchema, slotLost
        }

        private let kind: Kind

        /// No connection could be made: server away, starting up, full, or it refuses this user.
        public static let connectionFailed = Code(kind: .connectionFailed)
        /// The connection broke before the commit; nothing of the transaction remains.
        public static let connectionLost = Code(kind: .connectionLost)
        /// The connection broke while the commit was under way: the transaction is committed, or it is not.
        public static let commitUnknown = Code(kind: .commitUnknown)
        /// Another transaction came first (40001).
        public static let serializationFailure = Code(kind: .serializationFailure)
        /// The server chose this transaction to break a deadlock (40P01).
        public static let deadlock = Code(kind: .deadlock)
        /// A statement, or its wait for a lock, took longer than the configuration allows.
        public static let timeout = Code(kind: .timeout)
        /// The statement was cancelled, by the task's cancellation or by an operator.
        public static let cancelled = Code(kind: .cancelled)
        /// The server is short of disk, memory or connections (class 53).
        public static let outOfResources = Code(kind: .outOfResources)
        /// The server takes no writes at present, as a standby after a switch-over does.
        public static let readOnly = Code(kind: .readOnly)
        /// A prepared statement did not outlive a change of the tables; it is prepared anew with the next attempt.
        public static let staleStatement = Code(kind: .staleStatement)
        /// The data would have violated a constraint (class 23); ``PostgresError/constraint`` says which.
        public static let constraintViolation = Code(kind: .constraintViolation)
        /// Any other refusal of a statement by the server; ``PostgresError/sqlState`` says more.
        public static let statement = Code(kind: .statement)
        /// An earlier statement failed, its error was swallowed, and so nothing could be committed.
        public static let transactionAborted = Code(kind: .transactionAborted)
        /// A statement would begin or end a transaction or savepoint behind the connection's back.
        public static let transactionControl = Code(kind: .transactionControl)
        /// A ``PostgresTransaction`` was used after its closure had returned.
        public static let transactionOver = Code(kind: .transactionOver)
        /// All connections of the pool stayed in use for longer than ``PostgresConfiguration/acquireTimeout``.
        public static let poolTimeout = Code(kind: .poolTimeout)
        /// The pool or connection is closed.
        public static let closed = Code(kind: .closed)
        /// A column's value does not fit the type that was asked for.
        public static let decoding = Code(kind: .decoding)
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)
        /// The server is older than PostgreSQL 13.
        public static let unsupportedServer = Code(kind: .unsupportedServer)
        /// The tables were made by a later version of this library.
        public static let newerSchema = Code(kind: .newerSchema)
        /// The replication slot that an outbox in the log is read from is gone, was made anew, or has lost log that it needed:
        /// events may be missing. ``PostgresLog/makeAnew(_:)`` goes on without them.
        public static let slotLost = Code(kind: .slotLost)

        public var description: String { kind.rawValue }
    }

    public var code: Code

    /// What the server or libpq said.
    public var message: String

    /// The server's five-character code; nil when the error is not the server's.
    public var sqlState: SQLState?

    /// The server's further details, where it gave some.
    public var detail: String?

    /// The constraint that the data would have violated.
    public var constraint: String?

    /// The statement that failed, without its parameters.
    public var statement: String?

    /// The error underneath.
    public var cause: (any Error)?

    public init(
        _ code: Code, _ message: String, sqlState: SQLState? = nil, detail: String? = nil, constraint: String? = nil,
        statement: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.sqlState = sqlState
        self.detail = detail
        self.constraint = constraint
        self.statement = statement
        self.cause = cause
    }

    /// True when the whole transaction may succeed if it is run again, and the failed attempt left nothing behind.
    ///
    /// ``Code/commitUnknown`` is not among them: the attempt may have left everything behind.
    public var isRetriable: Bool {
        let retriable: Set<Code> = [
            .connectionFailed, .connectionLost, .serializationFailure, .deadlock, .timeout, .outOfResources, .readOnly,
            .staleStatement, .poolTimeout,
        ]
        return retriable.contains(code)
    }

    /// True when the pool or store that threw will not work until someone changes something.
    public var isFatal: Bool {
        [.invalidConfiguration, .unsupportedServer, .newerSchema, .slotLost, .closed].contains(code)
    }

    /// True when another attempt at the transaction may succeed at once, without waiting for anything.
    var isConflict: Bool { [.serializationFailure, .deadlock, .staleStatement].contains(code) }
}

extension PostgresError: RetriableError {}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        var text = message
        if let detail { text += " (\(detail))" }
        if let statement { text += " in “\(statement.prefix(200))”" }
        if let cause { text += ": \(cause)" }
        return text + " (\(code)\(sqlState.map { ", SQLSTATE \($0)" } ?? ""))"
    }
}

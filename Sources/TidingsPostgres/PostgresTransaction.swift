import Tidings

/// One transaction on one connection, for as long as the closure runs that was given it.
///
/// ```swift
/// let low = try await pool.transaction { db in
///     try db.execute("update stock set count = count - $1 where item = $2 and count >= $1", 2, item)
///     return try db.query("select item from stock where count < $1", 10).map { row in try row["item"] as String }
/// }
/// ```
///
/// Everything is synchronous and happens on the connection's own thread. Parameters are written `$1`, `$2`, …, never
/// into the text. Statements stay prepared on the connection, and what can travel together does: the first one brings
/// the beginning of the transaction along, and the commit takes the outbox's appends with it.
///
/// After a statement has failed, PostgreSQL refuses all others of the transaction. Where a failure is expected, a
/// ``savepoint(_:)`` confines it.
public final class PostgresTransaction {
    private let session: PostgresSession
    private var isOpen = true
    private var hasBegun = false
    private var depth = 0
    private var afterCommit: [@Sendable () -> Void] = []

    /// What leaves with the commit.
    private(set) var appends: [EventRecord] = []

    /// What goes to the log with the commit.
    private var messages = LogAppend()

    /// What will be true of an outbox in the log once this is committed.
    var reading: LogReading?

    /// Statements whose results nobody waits for.
    private var postponed: [PostgresRequest] = []

    init(_ session: PostgresSession) {
        self.session = session
        isolation = session.configuration.isolation
    }

    /// Runs a statement and tells how many rows it wrote.
    ///
    /// - Throws: ``PostgresError``.
    @discardableResult
    public func execute(_ sql: String, _ parameters: (any PostgresEncodable)?...) throws -> Int {
        try run(sql, parameters).affectedRows
    }

    /// Runs a statement whose parameters are in a list.
    @discardableResult
    public func execute(_ sql: String, parameters: [(any PostgresEncodable)?]) throws -> Int {
        try run(sql, parameters).affectedRows
    }

    /// Runs a query and returns its rows, all of them.
    ///
    /// - Throws: ``PostgresError``.
    public func query(_ sql: String, _ parameters: (any PostgresEncodable)?...) throws -> PostgresRows {
        PostgresRows(result: try run(sql, parameters))
    }

    /// Runs a query whose parameters are in a list.
    public func query(_ sql: String, parameters: [(any PostgresEncodable)?]) throws -> PostgresRows {
        PostgresRows(result: try run(sql, parameters))
    }

    /// Runs `body` in a transaction within the transaction: when it throws, what it did is undone, and only that.
    ///
    /// Events appended before leave for the database first, so the locks of their keys are held from here on.
    public func savepoint<R>(_ body: (PostgresTransaction) throws -> R) throws -> R {
        let flush = try flushingRequests()
        let name = "tidings_\(depth)"
        try exchange(flush + [PostgresRequest(sql: "savepoint \(name)")])
        depth += 1
        let hooks = afterCommit.count
        defer { depth -= 1 }
        do {
            let result = try body(self)
            try exchange(flushingRequests() + [PostgresRequest(sql: "release savepoint \(name)")])
            return result
        } catch {
            appends = []
            messages = LogAppend()
            postponed = []
            afterCommit.removeSubrange(hooks...)
            try exchange([
                PostgresRequest(sql: "rollback to savepoint \(name)"),
                PostgresRequest(sql: "release savepoint \(name)"),
            ])
            throw error
        }
    }

    /// Runs `body` on the connection's thread right after the commit, and not at all when there is none.
    public func afterCommit(_ body: @escaping @Sendable () -> Void) throws {
        try checkOpen()
        afterCommit.append(body)
    }

    /// The process that serves this connection on the server, as `pg_stat_activity` shows it.
    public var processID: Int32 { session.processID }

    // MARK: For the store

    /// How the transaction began, or will begin; as configured, unless it is set before the first statement.
    var isolation: PostgresConfiguration.Isolation {
        willSet { precondition(!hasBegun) }
    }

    /// Sets a record aside for the outbox; it is written with the commit, before a savepoint, or on ``flush()``.
    func append(_ record: EventRecord) throws {
        try checkOpen(for: record)
        appends.append(record)
    }

    /// Sets a record aside for the log, as ``append(_:)`` does for the table.
    func append(_ record: EventRecord, toLogOf slot: String) throws {
        try checkOpen(for: record)
        messages.append(record, slot: slot)
    }

    private func checkOpen(for record: EventRecord) throws {
        guard isOpen else {
            throw TidingsError(
                .notInTransaction, "event \(record.eventID) was appended outside a transaction", record: record)
        }
    }

    /// Writes what was set aside, so that the statements after it see it.
    func flush() throws {
        let requests = try flushingRequests()
        if !requests.isEmpty { try exchange(requests) }
    }

    /// Runs several statements that do not depend on each other's results in one round trip.
    ///
    /// - Parameter arrived: is told of each result while the server may still be at those after it; what it throws is thrown
    ///   when all have come.
    @discardableResult
    func exchange(
        _ requests: [PostgresRequest], arrived: (_ index: Int, PostgresResult) throws -> Void = { _, _ in }
    ) throws -> [PostgresResult] {
        try checkOpen()
        let before = beginning() + postponed
        postponed = []
        // As the server sees it: what was refused before it was sent has begun nothing.
        defer { hasBegun = hasBegun || session.isInTransaction }
        var results: [PostgresResult] = []
        try session.exchange(before + requests, into: &results) { index, result in
            if index >= before.count { try arrived(index - before.count, result) }
        }
        return Array(results.dropFirst(before.count))
    }

    /// Lets a statement travel with the next one, or with the commit. Its failure is theirs.
    func executeLater(_ sql: String, _ parameters: (any PostgresEncodable)?...) {
        executeLater(PostgresRequest(sql: sql, parameters: parameters.map { $0?.postgresValue ?? .null }))
    }

    func executeLater(_ request: PostgresRequest) { postponed.append(request) }

    // MARK: For the session

    /// Commits; returns what is to be done afterwards.
    func commit() throws -> [@Sendable () -> Void] {
        defer {
            isOpen = false
            hasBegun = hasBegun || session.isInTransaction
        }
        let flush = try postponed + flushingRequests()
        guard hasBegun || !flush.isEmpty else { return afterCommit }
        guard session.isUsable else { throw session.lost() }
        let requests = beginning() + flush + [PostgresRequest(sql: "commit")]
        var results: [PostgresResult] = []
        do {
            try session.exchange(requests, into: &results)
        } catch let error as PostgresError where error.code == .connectionLost && results.count < requests.count {
            throw Self.duringCommit(error)
        } catch  where results.count == requests.count {
            // The commit was confirmed; the connection broke after that.
        }
        guard results.last?.commandTag == "COMMIT" else {
            throw PostgresError(
                .transactionAborted, "nothing is committed: an earlier statement failed, and its error was swallowed")
        }
        return afterCommit
    }

    /// What a lost connection means while a commit is under way. The server ends one on an administrator's word before the
    /// commit or after its answer, and for idleness while it waits for a command. Whatever else ends it, a pooler's word among
    /// them, may come between the two.
    static func duringCommit(_ error: PostgresError) -> PostgresError {
        if let state = error.sqlState, ["57P01", "57P05", "25P03"].contains(state.rawValue) { return error }
        return PostgresError(
            .commitUnknown, "the connection broke during the commit: it is committed, or it is not", cause: error)
    }

    func rollBack() {
        isOpen = false
        guard session.isUsable, hasBegun else { return }
        do {
            _ = try session.exchange([PostgresRequest(sql: "rollback")], isInterruptible: false)
        } catch {
            session.giveUp()
        }
    }

    // MARK: Internals

    private func run(_ sql: String, _ parameters: [(any PostgresEncodable)?]) throws -> PostgresResult {
        if let word = TransactionControl.command(of: sql) {
            throw PostgresError(
                .transactionControl, "\(word) is for the connection to say; use savepoint { } or throw", statement: sql)
        }
        let values = parameters.map { $0?.postgresValue ?? .null }
        let results = try exchange([PostgresRequest(sql: sql, parameters: values)])
        guard let result = results.last else { throw session.lost() }
        return result
    }

    private func beginning() -> [PostgresRequest] {
        if hasBegun { return [] }
        let begin = PostgresRequest(sql: "begin isolation level \(isolation.sql)")
        return [begin] + (session.configuration.isBehindPooler ? [session.configuration.settings(isLocal: true)] : [])
    }

    private func flushingRequests() throws -> [PostgresRequest] {
        try checkOpen()
        defer {
            appends = []
            messages = LogAppend()
        }
        return OutboxAppend.requests(for: appends) + messages.requests
    }

    private func checkOpen() throws {
        guard isOpen else { throw PostgresError(.transactionOver, "this transaction is over") }
    }
}

/// Recognises statements that would begin or end a transaction behind the connection's back.
enum TransactionControl {
    private static let commands: Set<String> = [
        "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare",
    ]

    /// The statement's first word if it is one of those.
    static func command(of sql: String) -> String? {
        var rest = sql[...]
        while let first = rest.first {
            if first.isWhitespace || first == ";" {
                rest.removeFirst()
            } else if rest.hasPrefix("--") {
                rest = rest.drop { !$0.isNewline }
            } else if rest.hasPrefix("/*") {
                rest = afterComment(rest)
            } else {
                break
            }
        }
        let word = rest.prefix { $0.isLetter }.lowercased()
        return commands.contains(word) ? word : nil
    }

    /// What follows a comment; PostgreSQL's nest.
    private static func afterComment(_ text: Substring) -> Substring {
        var rest = text
        var depth = 0
        while !rest.isEmpty {
            if rest.hasPrefix("/*") {
                depth += 1
                rest = rest.dropFirst(2)
            } else if rest.hasPrefix("*/") {
                depth -= 1
                rest = rest.dropFirst(2)
                if depth == 0 { break }
            } else {
                rest = rest.dropFirst()
            }
        }
        return rest
    }
}

import CPQ
import Glibc
import Logging

/// One libpq connection, confined to the thread that made it.
///
/// It stays in pipeline mode: whatever is known at one time goes to the server in one message and comes back in one.
final class PostgresSession {
    let configuration: PostgresConfiguration
    let logger: Logger
    let handle: OpaquePointer
    let bell: Bell
    var statements: StatementCache

    /// False once the connection is broken, or in a state that nobody can vouch for.
    private(set) var isUsable = true

    /// What the server has said last in a fatal error, which it sends before it closes the connection.
    var lastFailure: PostgresError?

    /// Thrown when the connection broke while nobody used it, so that nothing of the work was begun.
    struct Stale: Error {
        var cause: PostgresError
    }

    init(_ configuration: PostgresConfiguration, bell: Bell, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        self.bell = bell
        statements = StatementCache(capacity: configuration.statementCacheSize)
        guard let handle = try Self.connect(configuration) else {
            throw PostgresError(.connectionFailed, "libpq is out of memory")
        }
        self.handle = handle
        try setUp()
    }

    /// On the connection's own thread, whose loop holds the only lasting reference.
    deinit { PQfinish(handle) }

    var processID: Int32 { PQbackendPID(handle) }

    /// Nothing more can be done with this connection.
    func giveUp() { isUsable = false }

    var isInTransaction: Bool {
        let status = PQtransactionStatus(handle)
        return status == PQTRANS_INTRANS || status == PQTRANS_INERROR
    }

    /// Notices that the server has hung up in the meantime, without asking it.
    func checkIdle() throws {
        var socket = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        // Its last words come before the end of the stream.
        while isUsable, poll(&socket, 1, 0) > 0, PQconsumeInput(handle) == 1 { _ = PQisBusy(handle) }
        guard isUsable, PQstatus(handle) == CONNECTION_OK else {
            giveUp()
            throw Stale(cause: lost("the connection broke while it was idle"))
        }
    }

    func lost(_ reason: String = "the connection to the server broke") -> PostgresError {
        let said = String(cString: PQerrorMessage(handle)).trimmed
        return PostgresError(.connectionLost, said.isEmpty ? reason : said, cause: lastFailure)
    }

    /// Connects; nil when libpq is out of memory. Whoever calls it owns the connection.
    static func connect(_ configuration: PostgresConfiguration) throws -> OpaquePointer? {
        guard let handle = withParameters(of: configuration, { PQconnectdbParams($0, $1, 1) }) else { return nil }
        if PQstatus(handle) == CONNECTION_OK { return handle }
        let reason = String(cString: PQerrorMessage(handle)).trimmed
        PQfinish(handle)
        // libpq says no more about a failed connection than its message, whose words depend on the locale.
        let isSpelledWrongly = try !isValid(configuration.connectionString)
        throw PostgresError(isSpelledWrongly ? .invalidConfiguration : .connectionFailed, reason)
    }

    /// Whether the server runs and takes nobody, as one does that shuts down.
    static func isRefusing(_ configuration: PostgresConfiguration) -> Bool {
        withParameters(of: configuration) { PQpingParams($0, $1, 1) } == PQPING_REJECT
    }

    /// Hands the connection's parameters over in the form that libpq takes them.
    private static func withParameters<R>(
        of configuration: PostgresConfiguration, _ body: ([UnsafePointer<CChar>?], [UnsafePointer<CChar>?]) -> R
    ) -> R {
        let parameters = configuration.connectionParameters
        let names = parameters.map { strdup($0.name) }
        let values = parameters.map { strdup($0.value) }
        defer { for text in names + values { free(text) } }
        return body(names.map { UnsafePointer<CChar>($0) } + [nil], values.map { UnsafePointer<CChar>($0) } + [nil])
    }

    private static func isValid(_ connectionString: String) throws -> Bool {
        guard let options = PQconninfoParse(connectionString, nil) else { return false }
        PQconninfoFree(options)
        return true
    }

    private func setUp() throws {
        // The library's own way with notices is to print them. While a connection is idle, a fatal error is a notice.
        PQsetNoticeReceiver(
            handle,
            { session, notice in
                guard let session, let severity = PQresultErrorField(notice, Int32(UInt8(ascii: "V"))) else { return }
                guard ["FATAL", "PANIC"].contains(String(cString: severity)) else { return }
                Unmanaged<PostgresSession>.fromOpaque(session).takeUnretainedValue().giveUp()
            }, Unmanaged.passUnretained(self).toOpaque())
        let version = PQserverVersion(handle)
        guard version >= 130_000 else {
            throw PostgresError(.unsupportedServer, "PostgreSQL 13 or later is needed, this is \(version / 10_000)")
        }
        guard PQenterPipelineMode(handle) == 1, PQsetnonblocking(handle, 1) == 0 else { throw lost() }
        if !configuration.isBehindPooler { _ = try exchange([configuration.settings(isLocal: false)]) }
    }
}

extension String {
    /// Without the white space at its end.
    var trimmed: String {
        var text = self[...]
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

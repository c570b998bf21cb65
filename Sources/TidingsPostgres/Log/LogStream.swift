import CPQ
import Foundation
import Glibc
import Tidings

/// Reads a slot's messages over a replication connection of its own, on a thread of its own, into a ``LogBuffer``.
///
/// It begins where it is told to, tells the server now and then up to where everything is done, and ends with an error or
/// when its buffer is closed.
final class LogStream {
    /// How often the server is told what is done, and asked for a heartbeat.
    private static let statusInterval = Duration.seconds(1)

    private let handle: OpaquePointer
    private let slot: String
    private let prefixBytes: [UInt8]
    private let start: LogPosition
    private let buffer: LogBuffer
    private let bell: Bell
    private let configuration: PostgresConfiguration

    private var received: UInt64 = 0
    private var told: UInt64 = 0
    private var nextStatus = ContinuousClock.now
    private var nextQuestion = ContinuousClock.now

    // The transaction that is being read.
    private var commit = LogPosition(lsn: 0)
    private var committedAt = Timestamp(millisecondsSince1970: 0)
    private var pending: [LogEntry] = []

    /// Starts a thread that reads until the buffer is closed, or fails it.
    static func start(
        _ slot: String, at start: LogPosition, into buffer: LogBuffer, bell: Bell,
        _ configuration: PostgresConfiguration
    ) {
        let thread = Thread {
            do {
                let stream = try LogStream(slot, at: start, into: buffer, bell: bell, configuration)
                try stream.begin()
                try stream.run()
            } catch {
                buffer.fail(error)
            }
        }
        thread.name = "postgres log"
        thread.start()
    }

    private init(
        _ slot: String, at start: LogPosition, into buffer: LogBuffer, bell: Bell,
        _ configuration: PostgresConfiguration
    ) throws {
        var configuration = configuration
        configuration.parameters["replication"] = "database"
        guard let handle = try PostgresSession.connect(configuration) else {
            throw PostgresError(.connectionFailed, "libpq is out of memory")
        }
        self.handle = handle
        self.slot = slot
        prefixBytes = Array(slot.utf8)
        self.start = start
        self.buffer = buffer
        self.bell = bell
        self.configuration = configuration
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
    }

    deinit { PQfinish(handle) }

    // MARK: Beginning

    private func begin() throws {
        let found = try query(LogSlot.query("'\(slot)'"))
        try LogSlot.check(
            slot, holds: start,
            found.rowCount == 0 ? nil : (found.text(row: 0, column: 0), found.text(row: 0, column: 1)))
        // Whoever reads it still is not the owner any more: a relay that was taken for dead.
        _ = try query(
            """
            select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
            where slot_name = '\(slot)' and active_pid is not null
            """)
        let result = try query(
            """
            START_REPLICATION SLOT \(slot) LOGICAL \(start.lsnText)
                (proto_version '1', publication_names '\(slot)', messages 'true')
            """)
        guard PQresultStatus(result.handle) == PGRES_COPY_BOTH else { throw lost() }
        guard PQsetnonblocking(handle, 1) == 0 else { throw lost() }
    }

    private func query(_ sql: String) throws -> PostgresResult {
        guard let result = PQexec(handle, sql).map(PostgresResult.init) else { throw lost() }
        if var error = result.error {
            // The slot is in use.
            if error.sqlState?.rawValue == "55006" { error.code = .connectionFailed }
            // It was there a moment ago.
            if error.sqlState?.rawValue == "42704" { error.code = .slotLost }
            throw error
        }
        return result
    }

    // MARK: Reading

    private func run() throws {
        while !buffer.isClosed {
            let hasRoom = buffer.hasRoom
            let isDry = hasRoom ? try readAll() : false
            try tell()
            if !hasRoom || isDry { try wait(reading: hasRoom) }
        }
    }

    /// Takes what has arrived; false when there may be more.
    private func readAll() throws -> Bool {
        var count = 0
        while count < 1000 {
            var bytes: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(handle, &bytes, 1)
            if length == 0 {
                flush()
                return true
            }
            guard length > 0, let bytes else { throw ending() }
            defer { PQfreemem(bytes) }
            guard let frame = LogFrame(UnsafeRawBufferPointer(start: bytes, count: Int(length))) else {
                throw PostgresError(.statement, "the server sent something over replication that cannot be read")
            }
            try take(frame)
            count += 1
        }
        flush()
        return false
    }

    private func take(_ frame: LogFrame) throws {
        switch frame {
        case .begin(let lsn, let time):
            commit = LogPosition(lsn: lsn)
            committedAt = Timestamp(millisecondsSince1970: (time + PostgresEpoch.microseconds) / 1000)
        case .message(let prefix, let content):
            guard prefix.count == prefixBytes.count, let bytes = prefix.baseAddress,
                memcmp(bytes, prefixBytes, prefix.count) == 0
            else { return }
            do {
                try LogMessage.decode(content) { record in
                    let position = commit
                    commit.place += 1
                    if position < start { return }
                    pending.append(
                        LogEntry(position: position, next: commit, record: record, committedAt: committedAt))
                }
            } catch var error as TidingsError {
                error.message += " (at \(commit))"
                throw error
            }
        case .commit(let end):
            if let last = pending.last, last.position.lsn == commit.lsn {
                pending[pending.count - 1].next = LogPosition(lsn: end)
            }
            received = max(received, end)
        case .heartbeat(let end, let wantsAnswer):
            received = max(received, end)
            if wantsAnswer { try answer() }
        case .other: break
        }
    }

    private func flush() {
        buffer.publish(pending, heard: received)
        pending.removeAll(keepingCapacity: true)
    }

    /// Something is there to be read, the bell rings, or the server is to be told.
    private func wait(reading: Bool) throws {
        let flushed = PQflush(handle)
        guard flushed >= 0 else { throw lost() }
        var waits = [
            pollfd(
                fd: PQsocket(handle), events: (reading ? Int16(POLLIN) : 0) | (flushed == 1 ? Int16(POLLOUT) : 0),
                revents: 0),
            pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let timeout = max(0, (nextStatus - .now).milliseconds + 1)
        if poll(&waits, 2, Int32(clamping: timeout)) < 0, errno != EINTR {
            throw lost("poll: \(String(cString: strerror(errno)))")
        }
        if waits[1].revents != 0 { bell.silence() }
        if waits[0].revents & ~Int16(POLLOUT) != 0, reading, PQconsumeInput(handle) == 0 { throw lost() }
        // A broken connection shows although nothing is read.
        if waits[0].revents & Int16(POLLERR | POLLHUP) != 0, !reading { throw lost() }
    }

    // MARK: Telling

    private func tell() throws {
        guard nextStatus <= .now else { return }
        // While nothing is read, questions are not either.
        if !buffer.hasRoom { try hangUpIfRefused() }
        try send(wantsAnswer: true)
    }

    private func send(wantsAnswer: Bool) throws {
        nextStatus = .now + Self.statusInterval
        let done = max(told, buffer.done)
        told = done
        let status = LogFrame.status(received: max(received, done), done: done, wantsAnswer: wantsAnswer)
        let result = status.withUnsafeBytes { bytes in
            PQputCopyData(handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
        }
        guard result >= 0, PQflush(handle) >= 0 else { throw lost() }
    }

    private func answer() throws {
        try hangUpIfRefused()
        try send(wantsAnswer: false)
    }

    /// A server that shuts down waits until all is done that it has sent; and that may be never, while Kafka is away. It is
    /// not kept from shutting down.
    private func hangUpIfRefused() throws {
        guard nextQuestion <= .now, buffer.done < received else { return }
        nextQuestion = .now + .seconds(1)
        if PostgresSession.isRefusing(configuration) {
            throw PostgresError(.connectionLost, "the server is shutting down")
        }
    }

    // MARK: Ending

    /// What the server says in place of more data.
    private func ending() -> PostgresError {
        while let result = PQgetResult(handle).map(PostgresResult.init) {
            if let error = result.error { return error }
            if PQresultStatus(result.handle) == PGRES_COPY_BOTH { break }
        }
        return lost()
    }

    private func lost(_ reason: String = "the replication ended") -> PostgresError {
        let said = String(cString: PQerrorMessage(handle)).trimmed
        return PostgresError(.connectionLost, said.isEmpty ? reason : said)
    }
}

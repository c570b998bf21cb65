import DequeModule
import Synchronization
import Tidings

/// An event as the log has it.
struct LogEntry: Sendable {
    /// Where it stands.
    var position: LogPosition

    /// What comes after it: between transactions, where it was known in time to be the last of its own.
    var next: LogPosition

    var record: EventRecord

    /// When its transaction was committed, by the server's clock.
    var committedAt: Timestamp
}

/// What has come over a ``LogStream`` and is not settled, between the stream's thread and the relay.
///
/// It holds a limited amount: when it is full the stream stops reading, and the server waits.
final class LogBuffer: Sendable {
    private struct State {
        var entries: Deque<LogEntry> = []
        var bytes = 0
        var wanted = 0
        var heard: UInt64 = 0
        var done: UInt64
        var failure: (any Error)?
        var isClosed = false

        var hasRoom: Bool {
            entries.count < wanted || entries.count < LogBuffer.maximumCount && bytes < LogBuffer.maximumBytes
        }

        /// The index of the first entry that does not come before a position; positions rise.
        func index(of position: LogPosition) -> Int {
            var (low, high) = (0, entries.count)
            while low < high {
                let middle = (low + high) / 2
                if entries[middle].position < position { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private static let maximumCount = 30_000
    private static let maximumBytes = 32 * 1024 * 1024

    private let state: Mutex<State>
    private let bell: Bell
    private let signal: OutboxSignal

    init(from start: LogPosition, bell: Bell, signal: OutboxSignal) {
        state = Mutex(State(done: start.lsn))
        self.bell = bell
        self.signal = signal
    }

    // MARK: For the stream

    /// Takes what has come, and up to where nothing more will.
    func publish(_ entries: [LogEntry], heard: UInt64) {
        state.withLock { state in
            state.entries.append(contentsOf: entries)
            for entry in entries { state.bytes += entry.record.size }
            state.heard = max(state.heard, heard)
        }
        if !entries.isEmpty { signal.raise() }
    }

    var hasRoom: Bool { state.withLock { $0.hasRoom } }

    /// What the server may be told as done.
    var done: UInt64 { state.withLock { $0.done } }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// The stream is over.
    func fail(_ error: any Error) {
        state.withLock { $0.failure = error }
        signal.raise()
    }

    // MARK: For the relay

    /// Why the stream is over, if it is.
    var failure: (any Error)? { state.withLock { $0.failure } }

    /// The first entries from a position on: at most so many, at most so many bytes of records, but always one.
    func entries(from position: LogPosition, count: Int, bytes: Int = .max) -> [LogEntry] {
        state.withLock { state in
            var found: [LogEntry] = []
            found.reserveCapacity(min(count, 2048))
            var size = 0
            for entry in state.entries[state.index(of: position)...].prefix(count) {
                size += entry.record.size
                if size > bytes, !found.isEmpty { break }
                found.append(entry)
            }
            return found
        }
    }

    /// How many events wait from a position on, and since when.
    func waiting(from position: LogPosition) -> (count: Int, oldest: Timestamp?) {
        state.withLock { state in
            let first = state.index(of: position)
            return (state.entries.count - first, first < state.entries.count ? state.entries[first].committedAt : nil)
        }
    }

    /// Up to where the log has been read, if nothing from this position on waits.
    func heard(from position: LogPosition) -> UInt64? {
        state.withLock { $0.index(of: position) == $0.entries.count ? $0.heard : nil }
    }

    /// Lets the stream read until it holds so many.
    func want(_ count: Int) {
        state.withLock { $0.wanted = count }
        bell.ring()
    }

    /// Forgets what comes before a position: it is settled, and the server may forget it too.
    func settle(before position: LogPosition) {
        let wasFull = state.withLock { state in
            defer {
                let settled = state.index(of: position)
                for entry in state.entries.prefix(settled) { state.bytes -= entry.record.size }
                state.entries.removeFirst(settled)
                state.wanted = 0
                state.done = max(state.done, position.lsn)
            }
            return !state.hasRoom
        }
        if wasFull { bell.ring() }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        bell.ring()
    }
}

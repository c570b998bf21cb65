import Synchronization
import Tidings

/// The log as a store's outbox, in the process whose relay reads it: the stream, and what is known of its progress.
///
/// What is known is taken out for each transaction and put back when that is committed. Where it was not, or nobody knows,
/// the next one asks the database.
final class OutboxLog: Sendable {
    private struct State {
        var reading: LogReading?
        var settled: LogPosition?
        var buffer: LogBuffer?
        var pace = TablePace()
    }

    /// The shard that the log belongs to: whoever has it reads the log.
    static let shard: Int32 = 0

    /// The replication slot that it is read from, whose name its messages carry.
    let slot: String

    private let configuration: PostgresConfiguration
    private let signal: OutboxSignal
    private let state = Mutex(State())

    init(_ configuration: PostgresConfiguration, slot: String, signal: OutboxSignal) {
        self.configuration = configuration
        self.slot = slot
        self.signal = signal
    }

    deinit { reset() }

    /// What is known, for the one who asks.
    func take() -> LogReading? {
        state.withLock { state in
            defer { state.reading = nil }
            return state.reading
        }
    }

    /// What is true from now on.
    func put(_ reading: LogReading) {
        let buffer = state.withLock { state in
            state.reading = reading
            state.settled = reading.settled
            return state.buffer
        }
        buffer?.settle(before: reading.settled)
    }

    /// The buffer of a stream that is under way from that place on, or of one that is started now.
    ///
    /// - Throws: what has ended the stream; the next call starts another.
    func buffer(for reading: LogReading) throws -> LogBuffer {
        let (running, failure) = state.withLock { state -> (LogBuffer?, (any Error)?) in
            let failure = state.buffer?.failure
            if failure != nil { state.buffer = nil }
            return (state.buffer, failure)
        }
        if let failure { throw failure }
        if let running { return running }
        let bell = try Bell()
        let buffer = LogBuffer(from: reading.settled, bell: bell, signal: signal)
        state.withLock { $0.buffer = buffer }
        LogStream.start(reading.slot, at: reading.settled, into: buffer, bell: bell, configuration)
        return buffer
    }

    /// How many wait, as far as this process has read, and since when.
    var waiting: (count: Int, oldest: Timestamp?) {
        let (settled, buffer) = state.withLock { ($0.settled, $0.buffer) }
        guard let settled, let buffer else { return (0, nil) }
        return buffer.waiting(from: settled)
    }

    /// Forgets everything and ends the stream: the log may have another reader.
    func reset() {
        let buffer = state.withLock { state in
            defer {
                state.reading = nil
                state.settled = nil
                state.buffer = nil
                state.pace = TablePace()
            }
            return state.buffer
        }
        buffer?.close()
    }

    /// When to look into the outbox's table.
    func pace<R>(_ body: (inout TablePace) -> R) -> R { state.withLock { body(&$0.pace) } }
}

/// When a relay that reads the log looks into the outbox's table too, where there is little or nothing as a rule: every
/// second, and while there is something that can go, every other time.
struct TablePace {
    private var claimed: Int?
    private var nextLook = ContinuousClock.now

    /// Whether to look now.
    mutating func isDue() -> Bool {
        guard nextLook <= .now else { return false }
        if claimed == nil { return true }
        // The log in between.
        claimed = nil
        return false
    }

    /// Notes what a look has given.
    mutating func looked(_ count: Int) {
        claimed = count == 0 ? nil : count
        if count == 0 { nextLook = .now + .seconds(1) }
    }

    /// Notes how many of what was claimed are gone; what does not go now is not asked for again at once.
    mutating func settled(_ count: Int) {
        if let claimed, count < claimed { nextLook = .now + .seconds(1) }
    }
}

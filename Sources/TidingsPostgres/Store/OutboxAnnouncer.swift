import Glibc
import Logging
import Synchronization
import Tidings

/// Tells other processes that something was appended to the outbox: `NOTIFY tidings_outbox`, after the commit.
///
/// Not in the writing transaction: a transaction that notifies takes a lock at its commit that the whole server has once,
/// and commits would wait for each other. Here one connection does it, with nothing to write, and one notification at a
/// time is on its way, at most every two milliseconds: however many transactions commit meanwhile, the next one tells of
/// them all.
final class OutboxAnnouncer: Sendable {
    static let channel = "tidings_outbox"

    /// So much time passes between notifications, in microseconds, lest a busy writer spend more on telling than on writing.
    private static let pause: UInt32 = 2000

    private struct State {
        var isOnItsWay = false
        var isWanted = false
        var thread: PostgresThread?
        /// After a failure nothing is tried until then: a relay looks from time to time in any case.
        var quietUntil: ContinuousClock.Instant?
        var isClosed = false
    }

    private let state = Mutex(State())
    private let configuration: PostgresConfiguration
    private let logger: Logger

    init(_ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    deinit { close() }

    func close() {
        state.withLock { state in
            state.isClosed = true
            state.thread?.close()
            state.thread = nil
        }
    }

    /// Never blocks.
    func announce() {
        let thread = state.withLock { state -> PostgresThread? in
            if state.isClosed || state.quietUntil.map({ ContinuousClock.now < $0 }) == true { return nil }
            state.isWanted = true
            if state.isOnItsWay { return nil }
            state.isOnItsWay = true
            let thread = state.thread ?? PostgresThread(name: "postgres-notify")
            state.thread = thread
            return thread
        }
        thread?.post { [weak self] session in self?.notify(&session) }
    }

    /// On the thread: as long as there is something to tell.
    private func notify(_ session: inout PostgresSession?) {
        while isWanted() {
            do {
                try Self.notify(&session, configuration, logger)
                usleep(Self.pause)  // On its own thread: a pace, nothing is waited for.
            } catch {
                session = nil
                logger.warning("other processes are not told of commits for now", metadata: ["error": "\(error)"])
                state.withLock { state in
                    state.quietUntil = .now + .seconds(1)
                    (state.isWanted, state.isOnItsWay) = (false, false)
                }
                return
            }
        }
    }

    private func isWanted() -> Bool {
        state.withLock { state in
            if !state.isWanted || state.isClosed { state.isOnItsWay = false }
            defer { state.isWanted = false }
            return state.isOnItsWay
        }
    }

    private static func notify(
        _ session: inout PostgresSession?, _ configuration: PostgresConfiguration, _ logger: Logger
    ) throws {
        do {
            try session?.checkIdle()
        } catch is PostgresSession.Stale {
            session = nil
        }
        let open = try session ?? PostgresSession(configuration, bell: Bell(), logger: logger)
        session = open
        _ = try open.exchange([PostgresRequest(sql: "notify \(channel)", isPrepared: false)])
    }
}

extension PostgresStore {
    /// Hears of the commits of other processes with `LISTEN` on a connection of its own.
    ///
    /// - Throws: ``PostgresError``.
    public func listenForAppends() async throws {
        let (configuration, logger, signal) = (pool.configuration, pool.logger, outboxSignal)
        let bell = try Bell()
        let thread = PostgresThread(name: "postgres-listen")
        defer { thread.close() }
        try await withTaskCancellationHandler {
            try await thread.run { session in
                let open = try PostgresSession(configuration, bell: bell, logger: logger)
                session = open
                _ = try open.exchange([PostgresRequest(sql: "listen \(OutboxAnnouncer.channel)", isPrepared: false)])
                signal.raise()
                try open.listen { signal.raise() }
            }
        } onCancel: {
            bell.ring()
        }
    }
}

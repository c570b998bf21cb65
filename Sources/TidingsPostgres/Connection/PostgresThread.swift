import Dispatch
import Foundation
import Synchronization

/// A thread of its own for one connection: libpq's blocking calls happen here and nowhere else.
///
/// The session is made on the thread, lives in its loop and is closed by it, so it never crosses to another.
final class PostgresThread: Sendable {
    typealias Job = @Sendable (inout PostgresSession?) -> Void

    /// What thread and owner share; the thread does not keep its owner alive.
    private final class Mailbox: Sendable {
        private let jobs = Mutex<(waiting: [Job], isClosed: Bool)>(([], false))
        private let filled = DispatchSemaphore(value: 0)

        func post(_ job: @escaping Job) -> Bool {
            let isPosted = jobs.withLock { jobs in
                if jobs.isClosed { return false }
                jobs.waiting.append(job)
                return true
            }
            if isPosted { filled.signal() }
            return isPosted
        }

        func close() {
            jobs.withLock { $0.isClosed = true }
            filled.signal()
        }

        /// Waits for the next job; nil once the mailbox is closed and empty.
        func next() -> Job? {
            while true {
                filled.wait()
                let (job, isClosed) = jobs.withLock { jobs in
                    (jobs.waiting.isEmpty ? nil : jobs.waiting.removeFirst(), jobs.isClosed)
                }
                if let job { return job }
                if isClosed { return nil }
            }
        }
    }

    private let mailbox = Mailbox()

    init(name: String) {
        let thread = Thread { [mailbox] in
            var session: PostgresSession?
            while let job = mailbox.next() { job(&session) }
            session = nil
        }
        thread.name = name
        thread.start()
    }

    deinit { mailbox.close() }

    /// No further jobs are taken; the thread ends, and closes its session, when those at hand are done.
    func close() { mailbox.close() }

    /// Has the thread do something, some time; not if it is closed.
    func post(_ job: @escaping Job) { _ = mailbox.post(job) }

    /// Runs `body` on the thread.
    func run<R: Sendable>(_ body: @escaping @Sendable (inout PostgresSession?) throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let isPosted = mailbox.post { session in
                continuation.resume(with: Result { try body(&session) })
            }
            if !isPosted { continuation.resume(throwing: PostgresError(.closed, "the connection is closed")) }
        }
    }
}

import CRDKafka
import Glibc
import Synchronization

/// What a ``ClientThread`` runs: it owns the librdkafka calls that must come one after the other.
protocol ThreadOwner: AnyObject, SendableMetatype {
    /// Serves what librdkafka's queues hold, without blocking. Returns false when there is nothing left to live for.
    func serve() -> Bool
    /// How long the thread may wait for a signal, in milliseconds; -1 is without end.
    var patience: Int32 { get }
    /// The last call, on the thread: frees everything. May block.
    func end()
}

/// A thread that belongs to one librdkafka handle.
///
/// It waits on an event descriptor that librdkafka's queues and ``post(_:)`` write to, runs what was posted, lets its
/// owner serve the queues, and waits again. Every call that must be in sequence, and every call that may block, is
/// made here, so that none of them ever holds a thread of Swift's pool.
final class ClientThread<Owner: ThreadOwner>: Sendable {
    typealias Job = @Sendable (Owner) -> Void

    private struct Inbox {
        var jobs: [Job] = []
        /// No job comes in any more.
        var isEnded = false
    }

    /// What librdkafka's queues write to.
    let wakeUp: WakeUp
    /// Opened when the thread has ended.
    let ended = Latch()
    private let inbox = Mutex(Inbox())

    init() throws(KafkaError) {
        wakeUp = try WakeUp()
    }

    /// Starts the thread; from here on it alone uses the owner.
    func start(name: String, owner: sending Owner) throws(KafkaError) {
        let life = ThreadLife(name: name) { [owner = Confined(owner)] in self.loop(owner.value) }
        let start = Unmanaged.passRetained(life)
        var id = pthread_t()
        let failure = pthread_create(
            &id, nil,
            { start in
                guard let start else { return nil }
                Unmanaged<ThreadLife>.fromOpaque(start).takeRetainedValue().run()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            start.release()
            throw KafkaError(.wrongState, "no thread could be had (\(String(cString: strerror(failure))))")
        }
        pthread_detach(id)
    }

    /// Has the thread run `job` soon, in the order of the posts. Returns false if the thread has ended.
    @discardableResult
    func post(_ job: @escaping Job) -> Bool {
        inbox.withLock { inbox in
            guard !inbox.isEnded else { return false }
            inbox.jobs.append(job)
            if inbox.jobs.count == 1 { wakeUp.signal() }  // under the lock: the descriptor is closed after the end
            return true
        }
    }

    /// Has the thread let its owner serve once more.
    func wakeUpOwner() {
        inbox.withLock { inbox in
            if !inbox.isEnded { wakeUp.signal() }
        }
    }

    /// Has the thread run `body`, which may block, and gives back its result.
    func run<R: Sendable>(_ body: @escaping @Sendable (Owner) throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let isAlive = post { owner in continuation.resume(with: Result { try body(owner) }) }
            if !isAlive { continuation.resume(throwing: KafkaError.closed("client")) }
        }
    }

    private func loop(_ owner: Owner) {
        repeat {
            wakeUp.wait(timeout: owner.patience)
            for job in takeJobs() { job(owner) }
        } while owner.serve()
        while !shutDoor() {
            for job in takeJobs() { job(owner) }
        }
        owner.end()
        wakeUp.close()
        ended.open()
    }

    private func takeJobs() -> [Job] {
        inbox.withLock { inbox in
            defer { inbox.jobs.removeAll(keepingCapacity: true) }
            return inbox.jobs
        }
    }

    /// Lets no job in any more, unless one is still there to be run.
    private func shutDoor() -> Bool {
        inbox.withLock { inbox in
            inbox.isEnded = inbox.jobs.isEmpty
            return inbox.isEnded
        }
    }
}

/// What a new thread gets to run.
private final class ThreadLife {
    private let name: String
    private let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
        self.name = name
        self.body = body
    }

    func run() {
        crdkafka_name_this_thread(String(name.prefix(15)))
        body()
    }
}

/// Carries a value to the one thread that will use it.
/// `@unchecked Sendable`: it was given away (`sending`) by whoever made it, so nobody else can reach it.
private struct Confined<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

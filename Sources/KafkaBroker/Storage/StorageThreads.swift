import DequeModule
import Glibc

/// The threads on which the broker does what may block: files. They are neither event loops nor part of Swift's
/// cooperative pool, so a disk that takes its time holds up nobody but those who wait for it.
///
/// Threads are started when there is work and nobody idle to take it, up to `limit`; idle ones sleep in the kernel and
/// cost no time. Jobs start in the order of their submission.
///
/// `@unchecked Sendable`: every access to the mutable state happens between `pthread_mutex_lock` and `unlock` of the
/// one mutex in `sync`, whose memory lives as long as this object, which every thread retains.
final class StorageThreads: @unchecked Sendable {
    typealias Job = @Sendable () -> Void

    private struct Sync {
        var mutex = pthread_mutex_t()
        var workOrStop = pthread_cond_t()
    }

    let limit: Int
    private let sync: UnsafeMutablePointer<Sync>
    private var jobs: Deque<Job> = []
    private var threadCount = 0
    private var idleCount = 0
    private var isStopping = false
    private var whenOver: [@Sendable () -> Void] = []

    init(limit: Int) {
        self.limit = max(1, limit)
        sync = .allocate(capacity: 1)
        sync.initialize(to: Sync())
        pthread_mutex_init(&sync.pointee.mutex, nil)
        pthread_cond_init(&sync.pointee.workOrStop, nil)
    }

    deinit {
        pthread_cond_destroy(&sync.pointee.workOrStop)
        pthread_mutex_destroy(&sync.pointee.mutex)
        sync.deallocate()
    }

    /// Runs `job` on one of the threads. After `stop` it does nothing and returns false.
    @discardableResult
    func submit(_ job: @escaping Job) -> Bool {
        pthread_mutex_lock(&sync.pointee.mutex)
        defer { pthread_mutex_unlock(&sync.pointee.mutex) }
        guard !isStopping else { return false }
        jobs.append(job)
        if idleCount >= jobs.count {
            pthread_cond_signal(&sync.pointee.workOrStop)
        } else if threadCount < limit, startThread() {
            threadCount += 1
        } else if idleCount > 0 {
            pthread_cond_signal(&sync.pointee.workOrStop)
        }
        return true
    }

    /// Takes no more work, lets what was submitted finish, and calls `body` when the last thread is about to end.
    func stop(_ body: @escaping @Sendable () -> Void) {
        pthread_mutex_lock(&sync.pointee.mutex)
        isStopping = true
        let isOver = threadCount == 0
        if !isOver { whenOver.append(body) }
        pthread_cond_broadcast(&sync.pointee.workOrStop)
        pthread_mutex_unlock(&sync.pointee.mutex)
        if isOver { body() }
    }

    private func startThread() -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let threads = Unmanaged<StorageThreads>.fromOpaque(argument).takeRetainedValue()
                threads.work()
                return nil
            }, box.toOpaque())
        if status != 0 { box.release() }
        return status == 0
    }

    private func work() {
        pthread_mutex_lock(&sync.pointee.mutex)
        while true {
            if let job = jobs.popFirst() {
                pthread_mutex_unlock(&sync.pointee.mutex)
                job()
                pthread_mutex_lock(&sync.pointee.mutex)
            } else if isStopping {
                break
            } else {
                idleCount += 1
                pthread_cond_wait(&sync.pointee.workOrStop, &sync.pointee.mutex)
                idleCount -= 1
            }
        }
        threadCount -= 1
        let waiting = threadCount == 0 ? whenOver : []
        if threadCount == 0 { whenOver = [] }
        pthread_mutex_unlock(&sync.pointee.mutex)
        for body in waiting { body() }
    }
}

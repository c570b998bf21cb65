import Glibc

/// Opens once; until then whoever waits sleeps in the kernel, for as long as it takes or as it is willing to.
///
/// `@unchecked Sendable`: the flag is read and written only while the one mutex is held, and the memory of mutex and
/// condition lives as long as this object, which every caller retains.
final class Latch: @unchecked Sendable {
    private struct Sync {
        var mutex = pthread_mutex_t()
        var opened = pthread_cond_t()
    }

    private let sync: UnsafeMutablePointer<Sync>
    private var isOpen = false

    init() {
        sync = .allocate(capacity: 1)
        sync.initialize(to: Sync())
        pthread_mutex_init(&sync.pointee.mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(&sync.pointee.opened, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(&sync.pointee.opened)
        pthread_mutex_destroy(&sync.pointee.mutex)
        sync.deallocate()
    }

    func open() {
        pthread_mutex_lock(&sync.pointee.mutex)
        isOpen = true
        pthread_cond_broadcast(&sync.pointee.opened)
        pthread_mutex_unlock(&sync.pointee.mutex)
    }

    func wait() {
        pthread_mutex_lock(&sync.pointee.mutex)
        while !isOpen { pthread_cond_wait(&sync.pointee.opened, &sync.pointee.mutex) }
        pthread_mutex_unlock(&sync.pointee.mutex)
    }

    /// Waits until it is open or the time has passed. Returns whether it is open.
    func wait(nanoseconds: Int64) -> Bool {
        let (end, overflow) = Self.now.addingReportingOverflow(max(0, nanoseconds))
        var deadline = timespec(tv_sec: Int(overflow ? .max : end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        if overflow { deadline.tv_nsec = 0 }
        pthread_mutex_lock(&sync.pointee.mutex)
        defer { pthread_mutex_unlock(&sync.pointee.mutex) }
        while !isOpen, nanoseconds > 0 {
            let status = pthread_cond_timedwait(&sync.pointee.opened, &sync.pointee.mutex, &deadline)
            if status == ETIMEDOUT { break }
        }
        return isOpen
    }

    /// The steady clock's nanoseconds.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

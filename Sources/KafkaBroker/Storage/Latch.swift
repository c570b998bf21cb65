import Glibc

/// Opens once; until then whoever waits sleeps in the kernel.
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
        pthread_cond_init(&sync.pointee.opened, nil)
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
}

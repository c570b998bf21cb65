import Glibc
import Synchronization

/// A bell that can be rung from any thread and is heard by `poll`.
final class Bell: Sendable {
    /// Becomes readable when the bell is rung.
    let descriptor: Int32
    private let ringer: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else {
            throw PostgresError(.connectionFailed, "no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (descriptor, ringer) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(ringer)
    }

    func ring() {
        var byte: UInt8 = 1
        // A full pipe is a bell that rings already.
        _ = write(ringer, &byte, 1)
    }

    var isRinging: Bool {
        var ear = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&ear, 1, 0) > 0
    }

    func silence() {
        var bytes: (UInt64, UInt64) = (0, 0)
        while read(descriptor, &bytes, 16) > 0 {}
    }
}

/// Carries the cancellation of one task to whichever connection works for it.
final class Interruption: Sendable {
    private struct State {
        var isCancelled = false
        var bell: Bell?
    }

    private let state = Mutex(State())

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func cancel() {
        state.withLock {
            $0.isCancelled = true
            $0.bell?.ring()
        }
    }

    /// From here on a cancellation rings this bell.
    func attach(_ bell: Bell) throws {
        try state.withLock {
            if $0.isCancelled { throw CancellationError() }
            bell.silence()
            $0.bell = bell
        }
    }

    func detach() {
        state.withLock { $0.bell = nil }
    }
}

import Dispatch
import Synchronization
import Tidings

/// Runs tasks on threads of its own, so that one of them may stand still and nobody else has to.
final class OwnThreads: TaskExecutor {
    private let queue = DispatchQueue(label: "own threads", attributes: .concurrent)

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

/// A probe that stops whoever comes to it while it is closed.
final class Gate: Probe {
    private let state = Mutex<(isClosed: Bool, waiting: Int)>((false, 0))
    private let turns = DispatchSemaphore(value: 0)

    func reached(_ step: Step) {
        let isStopped = state.withLock { state in
            if state.isClosed { state.waiting += 1 }
            return state.isClosed
        }
        if isStopped { turns.wait() }
    }

    func close() { state.withLock { $0.isClosed = true } }

    func open() {
        state.withLock { state in
            for _ in 0..<state.waiting { turns.signal() }
            state = (false, 0)
        }
    }
}

import KafkaLog
import KafkaProtocol
import NIOCore
import Synchronization

/// One fetch on its way: reads, and if too little is there, waits in memory for appends until there is enough or the
/// time is up. Nothing polls: an append wakes exactly those who wait for its partition.
///
/// States: reading (a storage thread is at work) ⇄ parked (registered with the partitions) → done.
final class FetchOperation: PartitionWatcher {
    /// What to read of one partition.
    struct Read: Sendable {
        var partition: Partition
        var offset: Int64
        var maxBytes: Int
        /// Whether only decided transactions are wanted.
        var isReadCommitted = false

        /// Where the reader has to stop.
        func end(_ bounds: LogBounds) -> Int64 { isReadCommitted ? bounds.lastStableOffset : bounds.highWatermark }
    }

    /// What was read of one partition; in the order of the reads.
    struct Outcome: Sendable {
        var error: ErrorCode = .none
        var records: ByteBuffer?
        var bounds = LogBounds(logStartOffset: -1, lastStableOffset: -1, highWatermark: -1)
        /// For those who want only committed records: whose to drop.
        var aborted: [AbortedTransaction]?
        /// There is more behind than one read brings: the reader is in an older segment than the end.
        var isBehind = false
    }

    struct Limits: Sendable {
        var minBytes: Int
        var maxBytes: Int
    }

    private enum Phase { case reading, parked, done }

    private struct State {
        var phase: Phase = .reading
        /// Bytes known to be readable: those of the last look plus what was appended since.
        var available = 0
        /// Set when the time is up while a thread is reading: its result goes out whatever it is.
        var timeIsUp = false
        var timer: Scheduled<Void>?
    }

    private let reads: [Read]
    private let limits: Limits
    private let threads: StorageThreads
    private let promise: EventLoopPromise<[Outcome]>
    private let state = Mutex(State())

    private init(reads: [Read], limits: Limits, threads: StorageThreads, promise: EventLoopPromise<[Outcome]>) {
        self.reads = reads
        self.limits = limits
        self.threads = threads
        self.promise = promise
    }

    /// Reads now or, if there is less than `minBytes`, when there is enough or after `maxWait` with what is there.
    static func run(
        _ reads: [Read], limits: Limits, maxWait: TimeAmount, threads: StorageThreads, on eventLoop: any EventLoop
    ) -> EventLoopFuture<[Outcome]> {
        let promise = eventLoop.makePromise(of: [Outcome].self)
        let operation = FetchOperation(reads: reads, limits: limits, threads: threads, promise: promise)
        operation.start(maxWait: maxWait, on: eventLoop)
        return promise.futureResult
    }

    private func start(maxWait: TimeAmount, on eventLoop: any EventLoop) {
        let mayWait = maxWait > .zero && limits.minBytes > 0 && !reads.isEmpty
        if mayWait {
            for read in reads { read.partition.watch(self) }
            let timer = eventLoop.scheduleTask(in: maxWait) { self.timeIsUp() }
            state.withLock { $0.timer = timer }
        } else {
            state.withLock { $0.timeIsUp = true }
        }
        // A reader at the end of everything need not trouble a thread to learn that there is nothing.
        if mayWait, reads.allSatisfy({ $0.offset == $0.end($0.partition.log.bounds) }) {
            let wasOvertaken = state.withLock { state in
                guard state.available == 0 else { return true }
                state.phase = .parked
                return false
            }
            if !wasOvertaken { return }
        }
        submitLook()
    }

    func partitionAdvanced(by bytes: Int) {
        let mustLook = state.withLock { state in
            state.available += bytes
            guard state.phase == .parked, state.available >= limits.minBytes else { return false }
            state.phase = .reading
            return true
        }
        if mustLook { submitLook() }
    }

    private func timeIsUp() {
        let mustLook = state.withLock { state in
            state.timeIsUp = true
            guard state.phase == .parked else { return false }
            state.phase = .reading
            return true
        }
        if mustLook { submitLook() }
    }

    private func submitLook() {
        if !threads.submit(look) { finish(with: reads.map { _ in Outcome(error: .notLeaderOrFollower) }) }
    }

    /// Reads once; on a storage thread.
    private func look() {
        while true {
            let before = state.withLock { $0.available }
            let outcomes = readAll()
            let bytes = outcomes.reduce(0) { $0 + ($1.records?.readableBytes ?? 0) }
            let isEnough = bytes >= limits.minBytes || outcomes.contains { $0.error != .none || $0.isBehind }
            let verdict: Phase = state.withLock { state in
                if isEnough || state.timeIsUp { return .done }
                let appendedMeanwhile = state.available - before
                state.available = bytes + appendedMeanwhile
                guard state.available < limits.minBytes else { return .reading }
                state.phase = .parked
                return .parked
            }
            switch verdict {
            case .reading: continue
            case .parked: return
            case .done: return finish(with: outcomes)
            }
        }
    }

    private func readAll() -> [Outcome] {
        var left = limits.maxBytes
        var isFirst = true
        return reads.map { read in
            let log = read.partition.log
            var outcome = Outcome(bounds: log.bounds)
            do throws(LogError) {
                let records = try log.read(
                    from: read.offset, maxBytes: max(0, min(left, read.maxBytes)), upTo: read.end(outcome.bounds),
                    minOneBatch: isFirst)
                left -= records.readableBytes
                if records.readableBytes > 0 { isFirst = false }
                outcome.isBehind = log.isRolled(from: read.offset, to: read.end(outcome.bounds))
                if read.isReadCommitted { outcome.aborted = log.aborted(in: records) }
                outcome.records = records
            } catch {
                outcome.error = error.errorCode
            }
            return outcome
        }
    }

    private func finish(with outcomes: [Outcome]) {
        let timer = state.withLock { state in
            defer { state.timer = nil }
            state.phase = .done
            return state.timer
        }
        timer?.cancel()
        for read in reads { read.partition.unwatch(self) }
        promise.succeed(outcomes)
    }
}

extension PartitionLog {
    /// The aborted transactions with records in what was read.
    fileprivate func aborted(in records: ByteBuffer) -> [AbortedTransaction] {
        var batches = RecordBatches(records)
        guard let first = try? batches.next() else { return [] }
        // Most logs have none, and then there is no need to look for the end of what was read.
        guard !abortedTransactions(from: first.header.baseOffset, before: .max).isEmpty else { return [] }
        var end = first.header.nextOffset
        while let batch = try? batches.next() { end = batch.header.nextOffset }
        return abortedTransactions(from: first.header.baseOffset, before: end)
    }
}

import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite struct FaultTests {
    let files = SimulatedFileSystem(seed: 5)

    func open(_ configuration: LogConfiguration = LogConfiguration()) throws -> PartitionLog {
        try PartitionLog.open(directory: "t-0", configuration: configuration, files: files)
    }

    @Test("after a failed sync the log is read-only, never syncs again and keeps its high watermark")
    func failedSync() throws {
        let log = try open()
        _ = try log.append(makeBatch(["a"]))
        try log.flush()
        _ = try log.append(makeBatch(["b"]))
        files.failSyncs(.next)
        let error = logError { try log.flush() }
        #expect(error?.code == .readOnly)
        #expect(error?.isFatal == true)
        #expect(error?.errorCode == .kafkaStorageError)
        let syncs = files.syncs
        #expect(logError { try log.flush() }?.code == .readOnly)
        #expect(logError { _ = try log.append(makeBatch(["c"])) }?.code == .readOnly)
        #expect(files.syncs == syncs)
        #expect(log.highWatermark == 1)
        #expect(try records(log) == reads(["a"]))
        #expect(log.failure != nil)
        #expect(logError { try log.close() }?.code == .readOnly)
        files.cutPower()
        #expect(try records(open()).first == Read(offset: 0, value: "a"))
    }

    @Test("a failed sync while a segment is closed ends appending too")
    func failedSyncAtRoll() throws {
        let log = try open()
        _ = try log.append(makeBatch(["a"]))
        files.failSyncs(.next)
        #expect(logError { try log.roll() }?.code == .readOnly)
        #expect(logError { _ = try log.append(makeBatch(["b"])) }?.code == .readOnly)
    }

    @Test("on a full disk appends fail, what is there stays, and it goes on when there is space")
    func fullDisk() throws {
        var log = try open()
        for index in 0..<5 { _ = try log.append(idempotent(Int32(index))) }
        try log.flush()
        for spare in try [0, 1, 16, 60, 61, idempotent(5).readableBytes - 1] {
            files.capacity = files.bytesUsed + spare
            let error = logError { _ = try log.append(idempotent(5)) }
            #expect(error?.code == .noSpace)
            #expect(error?.isRetriable == true)
            #expect(log.logEndOffset == 5)
        }
        try log.flush()
        #expect(try records(log).count == 5)
        files.capacity = nil
        #expect(try log.append(idempotent(5)).baseOffset == 5)
        try log.flush()
        files.cutPower()
        log = try open()
        #expect(log.recoveryReport.cut == nil)
        #expect(try records(log).count == 6)
    }

    @Test("a disk that fills while a segment is closed leaves the log usable", arguments: 0..<60)
    func fullDiskAtRoll(spare: Int) throws {
        var log = try open(smallSegments(1000))
        var next: Int32 = 0
        while log.size < 900 {
            _ = try log.append(idempotent(next))
            next += 1
        }
        try log.flush()
        files.capacity = files.bytesUsed + spare * 5
        var acknowledged = next
        for _ in 0..<3 {
            do {
                _ = try log.append(idempotent(acknowledged))
                try log.flush()
                acknowledged += 1
            } catch let error as LogError {
                #expect(error.code == .noSpace)
            }
        }
        files.capacity = nil
        for _ in 0..<20 {
            _ = try log.append(idempotent(acknowledged))
            acknowledged += 1
        }
        try log.flush()
        files.cutPower()
        log = try open(smallSegments(1000))
        #expect(try records(log) == reads((0..<acknowledged).map { "7/0/\($0)" }))
    }

    @Test("a roll that failed half-way leaves indexes that still find every record", arguments: 0..<60)
    func failedRoll(spare: Int) throws {
        var log = try open(smallSegments(2000))
        var time: Int64 = 0
        func append() throws {
            _ = try log.append(makeBatch(["x"], timestamp: time * 10))
            time += 1
        }
        while log.size < 1900 { try append() }
        try log.flush()
        // The index files may fit while the snapshot or the next segment does not.
        files.capacity = files.bytesUsed + spare * 5
        for _ in 0..<3 { _ = try? append() }
        files.capacity = nil
        while log.size < 5000 { try append() }
        try log.close()
        log = try open(smallSegments(2000))
        for index in 0..<time {
            #expect(try log.offset(forTimestamp: index * 10 - 5)?.offset == index)
            #expect(try RecordBatchHeader(parsing: log.read(from: index, maxBytes: 1)).baseOffset == index)
        }
    }

    @Test("a directory that cannot be synced while a segment begins ends appending")
    func failedDirectorySyncAtRoll() throws {
        var log = try open()
        _ = try log.append(makeBatch(["a"]))
        try log.flush()
        files.failDirectorySyncs(.next)
        #expect(logError { try log.roll() }?.code == .readOnly)
        #expect(logError { _ = try log.append(makeBatch(["b"])) }?.code == .readOnly)
        files.cutPower()
        log = try open()
        #expect(try records(log) == reads(["a"]))
    }

    @Test("a partial write that cannot be cut away ends appending")
    func failedTruncation() throws {
        var log = try open()
        _ = try log.append(makeBatch(["a"]))
        try log.flush()
        files.failWrites(.next)
        files.failTruncations(.next)
        #expect(logError { _ = try log.append(makeBatch(["b"])) }?.code == .readOnly)
        #expect(try records(log) == reads(["a"]))
        files.killProcess()
        log = try open()
        #expect(log.recoveryReport.cut != nil)
        #expect(try records(log) == reads(["a"]))
    }

    @Test("a partition that cannot be made durable is not made")
    func failedCreation() throws {
        files.failDirectorySyncs(.next)
        #expect(logError { _ = try open() }?.code == .storage)
        #expect(try open().logEndOffset == 0)
    }

    @Test("what a failed sync lost is not taken from memory by the next start, and what comes then is kept")
    func failedSyncAndRestart() throws {
        let log = try open()
        _ = try log.append(makeBatch(["a"]))
        try log.flush()
        _ = try log.append(makeBatch(["b"]))
        files.failSyncs(.next)
        #expect(logError { try log.flush() }?.code == .readOnly)
        // The process ends, the machine does not: memory still shows what the disk never got.
        files.killProcess()
        let again = try open()
        #expect(try records(again) == reads(["a"]))
        _ = try again.append(makeBatch(["c"]))
        try again.flush()
        files.cutPower()
        #expect(try records(open()) == reads(["a", "c"]))
    }

    @Test("a log that cannot be synced when it is opened is refused with the reason, and opens when the disk is well")
    func failedSyncAtRecovery() throws {
        let log = try open()
        _ = try log.append(makeBatch(["a"]))
        try log.flush()
        files.killProcess()
        files.failSyncs(.all)
        let error = logError { _ = try open() }
        #expect(error?.code == .storage)
        #expect(error?.message.contains("look after the disk") == true)
        files.failSyncs(.none)
        #expect(try records(open()) == reads(["a"]))
    }

    @Test("a sync that fails beside the roll of its segment is not covered up by the roll's own")
    func failedSyncBesideRoll() async throws {
        let log = try open(smallSegments(300))
        _ = try log.append(makeBatch(["a"]))
        let failed = Gate(), second = Gate()
        files.onSyncs { path, moment in
            guard path.hasSuffix(".log") else { return }
            if moment == .before, failed.isOpen { second.open() }
            guard moment == .after, !failed.isOpen else { return }
            failed.open()
            // The one who was told holds the news back for a moment, in which the roll may sync too.
            second.wait(milliseconds: 200)
        }
        files.failSyncs(.next)
        let flushing = Task.detached { logError { try log.flush() } }
        failed.wait(milliseconds: 10_000)
        let error = logError {
            for _ in 0..<8 { _ = try log.append(makeBatch(["more"])) }
        }
        #expect(error?.code == .readOnly)
        #expect(await flushing.value?.code == .readOnly)
        #expect(log.durableOffset == 0)
    }
}

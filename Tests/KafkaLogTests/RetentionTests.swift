import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite struct RetentionTests {
    let files = SimulatedFileSystem(seed: 3)
    let clock = ManualClock()

    func open(_ change: (inout LogConfiguration) -> Void = { _ in }) throws -> PartitionLog {
        var configuration = smallSegments(300)
        change(&configuration)
        return try PartitionLog.open(directory: "d/t-0", configuration: configuration, files: files, now: clock.now)
    }

    func fill(_ log: PartitionLog, _ count: Int) throws {
        for index in 0..<count { _ = try log.append(makeBatch(["value \(index)"], timestamp: clock.now())) }
        try log.flush()
    }

    func segments() throws -> Int { try files.list("d/t-0").filter { $0.hasSuffix(".log") }.count }

    @Test("the oldest segments go until the size fits, and the start stays where it is after a restart")
    func bySize() throws {
        var log = try open { $0.retentionBytes = 1000 }
        try fill(log, 100)
        #expect(try log.applyRetention() > 10)
        #expect(log.size >= 1000 && log.size < 1300)
        let start = log.logStartOffset
        #expect(start > 0)
        #expect(try records(log).map(\.offset) == Array(start..<100))
        #expect(logError { _ = try log.read(from: start - 1, maxBytes: 1) }?.code == .offsetOutOfRange)
        files.cutPower()
        log = try open()
        #expect(log.logStartOffset == start)
        #expect(try records(log).map(\.offset) == Array(start..<100))
    }

    @Test("segments go when their newest record is too old, the last one included")
    func byTime() throws {
        let log = try open { $0.retentionMilliseconds = 1000 }
        try fill(log, 10)
        clock.advance(1001)
        try fill(log, 1)
        _ = try log.applyRetention()
        #expect(try records(log).contains { $0.offset == 10 })
        clock.advance(1001)
        _ = try log.applyRetention()
        #expect(log.logStartOffset == 11)
        #expect(log.logEndOffset == 11)
        #expect(try segments() == 1)
        #expect(try log.append(makeBatch(["next"])).baseOffset == 11)
    }

    @Test("records before an offset can be deleted, and an interrupted removal is finished at the next opening")
    func deleteRecords() throws {
        for seed in UInt64(0)..<20 {
            let files = SimulatedFileSystem(seed: seed)
            var log = try PartitionLog.open(directory: "d/t-0", configuration: smallSegments(300), files: files)
            try fill(log, 50)
            try log.deleteRecords(before: 23)
            #expect(logError { try log.deleteRecords(before: 51) }?.code == .offsetOutOfRange)
            files.cutPower()
            log = try PartitionLog.open(directory: "d/t-0", configuration: smallSegments(300), files: files)
            #expect(log.logStartOffset == 23)
            #expect(try records(log).map(\.offset) == Array(23..<50))
        }
    }

    @Test("the newest record is one that is still there, and that readers may have")
    func newestRecord() throws {
        let log = try open { $0.segmentBytes = 100_000 }
        var builder = RecordBatchBuilder()
        for stamp in [Int64(9000), 8000, 7000] {
            builder.append(timestamp: stamp, key: nil, value: ByteBuffer(string: "x"))
        }
        _ = try log.append(builder.build())
        for stamp in [Int64(500), 700, 600] { _ = try log.append(makeBatch(["x"], timestamp: stamp)) }
        try log.flush()
        _ = try log.append(makeBatch(["not durable"], timestamp: 10_000))
        let expected: [(start: Int64, found: FoundOffset?)] = [
            (0, FoundOffset(offset: 0, timestamp: 9000)), (1, FoundOffset(offset: 1, timestamp: 8000)),
            (3, FoundOffset(offset: 4, timestamp: 700)), (5, FoundOffset(offset: 5, timestamp: 600)), (6, nil),
        ]
        for (start, found) in expected {
            try log.deleteRecords(before: start)
            #expect(try log.offsetOfMaxTimestamp() == found)
        }
        try log.flush()
        #expect(try log.offsetOfMaxTimestamp() == FoundOffset(offset: 6, timestamp: 10_000))
        #expect(try log.offsetOfMaxTimestamp(upTo: 6) == nil)
    }

    @Test("a deleted partition is gone, also when the power goes in between, and its name is free again")
    func deletion() throws {
        for seed in UInt64(0)..<20 {
            let files = SimulatedFileSystem(seed: seed)
            let log = try PartitionLog.open(directory: "d/t-0", files: files)
            try fill(log, 5)
            try log.delete()
            #expect(logError { _ = try log.append(makeBatch(["x"])) }?.code == .closed)
            files.cutPower()
            try PartitionLog.finishDeletions(in: "d", files: files)
            #expect(try files.list("d") == [])
            #expect(try PartitionLog.open(directory: "d/t-0", files: files).logEndOffset == 0)
        }
    }
}

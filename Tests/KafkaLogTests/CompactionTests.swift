import KafkaProtocol
import NIOCore
import Synchronization
import Testing

@testable import KafkaLog

@Suite("Compaction of a log") struct CompactionTests {
    let files = SimulatedFileSystem(seed: 11)
    let clock = ManualClock()

    func open(_ change: (inout LogConfiguration) -> Void = { _ in }) throws -> PartitionLog {
        var configuration = compacted()
        change(&configuration)
        return try PartitionLog.open(directory: "d/t-0", configuration: configuration, files: files, now: clock.now)
    }

    /// Makes everything so far cleanable.
    func settle(_ log: PartitionLog) throws {
        try log.roll()
        try log.flush()
    }

    func segments() throws -> [String] { try files.list("d/t-0").filter { $0.hasSuffix(".log") } }

    @Test("one record stays for each key, the newest, under its own offset, with its headers")
    func keepsTheNewest() throws {
        let log = try open()
        for round in 0..<40 { for key in 0..<5 { try log.put("k\(key)", "\(round)") } }
        try settle(log)
        let report = try log.clean()
        #expect(try log.rows() == (0..<5).map { Row(offset: 195 + $0, key: "k\($0)", value: "39") })
        #expect(report?.counts.recordsBefore == 200 && report?.counts.recordsAfter == 5)
        #expect(report?.keys == 5 && report?.dirtyRange == 0..<200 && report?.isPartial == false)
        #expect((report?.bytesAfter ?? .max) < (report?.bytesBefore ?? 0) / 10)
        #expect(try segments().count == (report?.segmentsAfter ?? 0) + 1)
        #expect(log.logEndOffset == 200 && log.logStartOffset == 0)
        #expect(try log.clean() == nil)
        // A fetch in a hole goes on with the next record there is.
        for start: Int64 in [0, 7, 194] { #expect(try log.rows(from: start).first?.offset == 195) }
        var batches = RecordBatches(try log.read(from: 0, maxBytes: 1))
        let batch = try #require(try batches.next())
        var reader = try RecordBatchReader(batch.bytes, decompressionLimit: 1000)
        #expect(try reader.next()?.headers == [RecordHeader("h", ByteBuffer(string: "k0"))])
        // What has become small becomes one segment with its neighbours.
        try log.put("k0", "40")
        try settle(log)
        #expect(try log.clean()?.segmentsAfter == 2)
        #expect(try log.rows().map(\.offset) == [196, 197, 198, 199, 200])
    }

    @Test("the newest segment, open transactions and records younger than min.compaction.lag.ms stay as they are")
    func leavesTheRest() throws {
        let log = try open { $0.minCompactionLagMilliseconds = 1000 }
        for round in 0..<20 { try log.put("k", "\(round)", timestamp: clock.now()) }
        try settle(log)
        #expect(try log.clean() == nil)
        clock.advance(2000)
        try log.put("k", "newest", timestamp: clock.now())
        try log.flush()
        #expect(try log.clean() != nil)
        #expect(try log.rows().map(\.value) == ["19", "newest"])

        _ = try log.append(
            keyed([("k", "open")], producer: 1, sequence: 0, isTransactional: true), transactions: { _, _ in nil })
        for round in 0..<20 { try log.put("k", "\(round)") }
        try settle(log)
        clock.advance(2000)
        let before = try log.rows().count
        _ = try log.clean()
        #expect(try log.rows().count >= before - 2)
    }

    @Test(
        "compressed batches are compressed again, and keep offsets, sequence and producer",
        arguments: Compression.allCases)
    func recompresses(codec: Compression) throws {
        let log = try open { $0.segmentBytes = 4096 }
        let filler = String(repeating: "x", count: 300)
        let records = (0..<10).map { (key: Optional("k\($0 % 5)"), value: Optional("\($0)\(filler)")) }
        for sequence in [Int32(5), 15] {
            _ = try log.append(keyed(records, compression: codec, producer: 3, epoch: 2, sequence: sequence))
        }
        try log.put("k0", "last")
        try settle(log)
        try log.clean()
        let header = try #require(try log.headers().first)
        #expect(header.baseOffset == 10 && header.lastOffset == 19 && header.recordCount == 4)
        #expect(header.baseSequence == 15 && header.producerID == 3 && header.producerEpoch == 2)
        #expect(header.compression == codec)
        #expect(try log.rows().map(\.offset) == [16, 17, 18, 19, 20])
        #expect(try log.rows().first?.value == "6" + filler)
        // What a producer may send again is still known.
        let again = try log.append(keyed(records, compression: codec, producer: 3, epoch: 2, sequence: 5))
        #expect(again.isDuplicate && again.baseOffset == 0)
    }

    @Test("a tombstone stays for delete.retention.ms after a cleaning first met it, and never uncovers an old value")
    func tombstones() throws {
        let log = try open()
        try log.put("a", "1")
        try log.put("b", "1")
        try log.put("a", nil)
        try settle(log)
        clock.advance(100_000)
        try log.clean()
        #expect(try log.rows() == [Row(offset: 1, key: "b", value: "1"), Row(offset: 2, key: "a", value: nil)])
        let stamped = try log.headers().first { $0.hasDeleteHorizon }
        #expect(stamped?.baseTimestamp == clock.now() + 1000 && stamped?.maxTimestamp == 1000)
        var reader = try RecordBatchReader(
            log.read(from: 2, maxBytes: 1), decompressionLimit: 1000)
        #expect(try reader.next()?.timestamp == 1000)

        func cleanAgain() throws {
            try log.put("c", "x")
            try settle(log)
            try log.clean()
        }
        clock.advance(900)
        try cleanAgain()
        #expect(try log.rows().contains { $0.key == "a" })
        clock.advance(101)
        try cleanAgain()
        #expect(try !log.rows().contains { $0.key == "a" })
        #expect(try table(log.rows()) == ["b": "1", "c": "x"])
    }

    @Test("aborted records go and shadow nothing; their marker goes only later, and with it its entry in the index")
    func abortedTransactions() throws {
        let log = try open()
        func transact(_ producer: Int64, _ sequence: Int32, _ key: String, _ value: String, commit: Bool) throws {
            _ = try log.append(
                keyed([(key, value)], producer: producer, sequence: sequence, isTransactional: true),
                transactions: { _, _ in nil })
            try log.end(transactionOf: producer, commit: commit)
        }
        try transact(1, 0, "a", "good", commit: true)
        try transact(2, 0, "a", "bad", commit: false)
        try transact(2, 1, "b", "good", commit: true)
        try transact(2, 2, "b", "bad", commit: false)
        // So that no batch above is its producer's last.
        try transact(1, 1, "z", "1", commit: true)
        try transact(2, 3, "z", "2", commit: true)
        try settle(log)
        try log.clean()
        #expect(try table(log.rows()) == ["a": "good", "b": "good", "z": "2"])
        #expect(try table(log.rows(committed: true)) == ["a": "good", "b": "good", "z": "2"])
        #expect(try log.headers().filter(\.isControl).count == 6)
        #expect(log.abortedTransactions(from: 0, before: .max).count == 2)

        func cleanAgain() throws {
            try log.put("y", "1")
            try settle(log)
            try log.clean()
            #expect(try table(log.rows(committed: true)) == ["a": "good", "b": "good", "z": "2", "y": "1"])
        }
        try cleanAgain()
        #expect(try log.headers().filter { $0.isControl && $0.hasDeleteHorizon }.count == 2)
        clock.advance(1001)
        try cleanAgain()
        #expect(try log.headers().filter(\.isControl).count == 4)
        #expect(log.abortedTransactions(from: 0, before: .max).isEmpty)
    }

    @Test("a producer's last sequence is known after compaction even where no snapshot tells it")
    func keepsSequences() throws {
        var log = try open()
        _ = try log.append(keyed([("a", "1")], producer: 7, sequence: 0))
        _ = try log.append(keyed([("a", "2")], producer: 7, sequence: 1))
        for round in 0..<30 { try log.put("a", "\(round)") }
        try settle(log)
        try log.clean()
        #expect(try log.headers().map(\.recordCount).contains(0))
        #expect(try table(log.rows()) == ["a": "29"])
        files.killProcess()
        for name in try files.list("d/t-0") where name.hasSuffix(".snapshot") { try files.remove("d/t-0/\(name)") }
        log = try open()
        let again = try log.append(keyed([("a", "2")], producer: 7, sequence: 1))
        #expect(again.isDuplicate && again.baseOffset == 1)
        #expect(try log.append(keyed([("a", "3")], producer: 7, sequence: 2)).isDuplicate == false)
    }

    @Test("when the keys do not fit, a part is cleaned at a time, and in the end there is one record for each key")
    func boundedMemory() throws {
        let log = try open()
        for round in 0..<6 { for key in 0..<60 { try log.put("k\(key)", "\(round)") } }
        try settle(log)
        var cleanings = 0
        var end: Int64 = 0
        while let report = try log.clean(CleaningOptions(keyBytes: 24 * 30)) {
            #expect(report.keys <= 27 && report.dirtyRange.lowerBound == end)
            end = report.dirtyRange.upperBound
            #expect(try table(log.rows()).count == 60)
            cleanings += 1
        }
        #expect(cleanings > 5 && end == 360)
        #expect(try log.rows().count == 60)
        let one = (0..<40).map { (key: Optional("n\($0)"), value: Optional("1")) }
        _ = try log.append(keyed(one, compression: .zstd))
        try settle(log)
        let error = logError { try log.clean(CleaningOptions(keyBytes: 24 * 30)) }
        #expect(error?.message.contains("log.cleaner.dedupe.buffer.size") == true)
    }

    @Test("look-ups by timestamp find records beyond the holes, and the newest record that is left")
    func timestamps() throws {
        var log = try open { $0.indexIntervalBytes = 64 }
        _ = try log.append(keyed([("a", "gone")], producer: 9, sequence: 0, timestamp: 9000))
        for round in 0..<50 {
            try log.put(round % 2 == 0 ? "a" : "k\(round)", "\(round)", timestamp: Int64(round) * 10)
        }
        try settle(log)
        try log.clean()
        for _ in 0..<2 {
            #expect(try log.offset(forTimestamp: 95) == FoundOffset(offset: 12, timestamp: 110))
            #expect(try log.offset(forTimestamp: 485)?.offset == 50)
            #expect(try log.offset(forTimestamp: 5000) == nil)
            #expect(try log.offsetOfMaxTimestamp() == FoundOffset(offset: 50, timestamp: 490))
            let expected = try log.rows().map(\.offset)
            for offset in expected { #expect(try log.rows(from: offset).first?.offset == offset) }
            try log.close()
            log = try open { $0.indexIntervalBytes = 64 }
        }
    }

    @Test("segments that retention takes while they are cleaned stay gone, and a deleted or closed log is left alone")
    func besideRetention() throws {
        let log = try open { $0.segmentBytes = 300 }
        for round in 0..<60 { try log.put("k\(round % 7)", "\(round)") }
        try settle(log)
        let isFirst = Atomic(true)
        let report = try log.clean(
            CleaningOptions { _ in
                if isFirst.exchange(false, ordering: .relaxed) { try? log.deleteRecords(before: 30) }
                return true
            })
        #expect(report == nil || log.logStartOffset == 30)
        #expect(log.logStartOffset == 30)
        #expect(try files.list("d/t-0").allSatisfy { !$0.hasSuffix(".cleaned") })
        try log.clean()
        #expect(try log.rows() == (53..<60).map { Row(offset: $0, key: "k\($0 % 7)", value: "\($0)") })
        #expect(try log.clean(CleaningOptions { _ in false }, isForced: true) == nil)
        try log.close()
        #expect(try log.clean(isForced: true) == nil)
    }

    @Test("rot ends a cleaning and is left as it is; so does a full disk, after which the log works on")
    func stopsAtRot() throws {
        let log = try open()
        for round in 0..<60 { try log.put("k\(round)", "\(round)") }
        try settle(log)
        files.capacity = files.bytesUsed + 200
        #expect(logError { try log.clean() }?.code == .noSpace)
        #expect(try files.list("d/t-0").allSatisfy { !$0.hasSuffix(".cleaned") })
        files.capacity = nil
        try files.flipBit(in: "d/t-0/\(try segments()[1])", at: 65)
        let before = try files.contents(of: "d/t-0/\(try segments()[1])")
        #expect(logError { try log.clean() }?.code == .damaged)
        #expect(try log.clean() == nil)
        #expect(try files.contents(of: "d/t-0/\(try segments()[1])") == before)
        try log.put("more", "1")
        try log.flush()
        #expect(log.failure == nil)
    }

    @Test("an idle segment is closed at segment.ms, or in time for max.compaction.lag.ms, which asks for a cleaning")
    func idleSegments() throws {
        let log = try open {
            $0.maxCompactionLagMilliseconds = 500
            $0.minCleanableDirtyRatio = 1
        }
        try log.put("a", "1", timestamp: clock.now())
        try log.put("a", "2", timestamp: clock.now())
        try log.flush()
        #expect(try !log.rollIfIdle())
        clock.advance(501)
        #expect(try log.rollIfIdle())
        #expect(try !log.rollIfIdle())
        #expect(try log.dirt() == PartitionLog.Dirt(ratio: 1, isDue: true))
        try log.clean()
        #expect(try log.rows().map(\.offset) == [1])
        #expect(try log.dirt() == nil)
    }

    @Test("holes are taken for losses where nothing was cleaned, also in a compacted topic")
    func recognisesLosses() throws {
        let log = try open()
        for round in 0..<60 { try log.put("k\(round % 7)", "\(round)") }
        try settle(log)
        try log.close()
        try files.remove("d/t-0/\(try segments()[2])")
        #expect(logError { _ = try open() }?.code == .damaged)
    }
}

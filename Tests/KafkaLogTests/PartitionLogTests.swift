import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite struct PartitionLogTests {
    let files = SimulatedFileSystem(seed: 1)

    func open(_ configuration: LogConfiguration = LogConfiguration()) throws -> PartitionLog {
        try PartitionLog.open(directory: "data/orders-0", configuration: configuration, files: files)
    }

    @Test("appended records get consecutive offsets and are read back byte for byte")
    func appendAndRead() throws {
        let log = try open()
        #expect(try log.append(makeBatch(["a", "b"])) == AppendResult(baseOffset: 0, lastOffset: 1))
        #expect(try log.append(makeBatch(["c"]), leaderEpoch: 5) == AppendResult(baseOffset: 2, lastOffset: 2))
        try log.flush()
        #expect(try records(log) == reads(["a", "b", "c"]))

        var expected = try makeBatch(["c"])
        RecordBatchHeader.setBaseOffset(2, in: &expected, at: 0)
        RecordBatchHeader.setPartitionLeaderEpoch(5, in: &expected, at: 0)
        #expect(try log.read(from: 2, maxBytes: 1 << 20) == expected)
    }

    @Test("readers see nothing before it is flushed, unless flushing is relaxed")
    func highWatermark() throws {
        let log = try open()
        _ = try log.append(makeBatch(["a"]))
        #expect(log.highWatermark == 0)
        #expect(log.logEndOffset == 1)
        #expect(log.unflushedRecords == 1)
        #expect(try log.read(from: 0, maxBytes: 1000).readableBytes == 0)
        try log.flush()
        #expect(log.highWatermark == 1)
        #expect(log.unflushedRecords == 0)

        var relaxed = LogConfiguration()
        relaxed.flushIntervalMessages = 100
        let other = try PartitionLog.open(directory: "data/other-0", configuration: relaxed, files: files)
        _ = try other.append(makeBatch(["a"]))
        #expect(other.highWatermark == 1)
        #expect(other.durableOffset == 0)
    }

    @Test("a read returns whole batches from the one that holds the offset, within the limit but at least one")
    func readLimits() throws {
        let log = try open()
        let size = try makeBatch(["aa", "bb"]).readableBytes
        for _ in 0..<5 { _ = try log.append(makeBatch(["aa", "bb"])) }
        try log.flush()
        #expect(try log.read(from: 3, maxBytes: 2 * size + 10).readableBytes == 2 * size)
        #expect(try RecordBatchHeader(parsing: log.read(from: 3, maxBytes: size)).baseOffset == 2)
        #expect(try log.read(from: 0, maxBytes: 1).readableBytes == size)
        #expect(try log.read(from: 0, maxBytes: 1, minOneBatch: false).readableBytes == 0)
        #expect(try log.read(from: 0, maxBytes: 1 << 20, upTo: 4).readableBytes == 2 * size)
        #expect(try log.read(from: 10, maxBytes: 1 << 20).readableBytes == 0)
        #expect(logError { _ = try log.read(from: 11, maxBytes: 10) }?.errorCode == .offsetOutOfRange)
        #expect(logError { _ = try log.read(from: -1, maxBytes: 10) }?.errorCode == .offsetOutOfRange)
    }

    @Test("segments roll by size and every offset is found again in each of them", arguments: [true, false])
    func rolling(reopened: Bool) throws {
        var log = try open(smallSegments())
        for index in 0..<200 { _ = try log.append(makeBatch(["value \(index)", "second"])) }
        try log.flush()
        if reopened {
            try log.close()
            log = try open(smallSegments())
            #expect(log.recoveryReport.verdict == .clean)
            #expect(log.recoveryReport.notes == [])
        }
        let names = try files.list("data/orders-0")
        #expect(names.filter { $0.hasSuffix(".log") }.count > 10)
        #expect(names.contains("00000000000000000000.index"))
        for offset in Int64(0)..<400 {
            let header = try RecordBatchHeader(parsing: log.read(from: offset, maxBytes: 1))
            #expect(header.baseOffset <= offset && header.lastOffset >= offset)
        }
        #expect(try records(log).map(\.offset) == Array(0..<400))
        #expect(try log.append(makeBatch(["next"])).baseOffset == 400)
    }

    @Test("a segment rolls when it is older than segment.ms")
    func rollByTime() throws {
        let clock = ManualClock()
        var configuration = LogConfiguration()
        configuration.segmentMilliseconds = 1000
        let log = try PartitionLog.open(
            directory: "data/orders-0", configuration: configuration, files: files, now: clock.now)
        _ = try log.append(makeBatch(["a"]))
        clock.advance(999)
        _ = try log.append(makeBatch(["b"]))
        clock.advance(1)
        _ = try log.append(makeBatch(["c"]))
        try log.flush()
        #expect(try files.list("data/orders-0").filter { $0.hasSuffix(".log") }.count == 2)
        #expect(try records(log) == reads(["a", "b", "c"]))
    }

    @Test("a look-up by timestamp finds the first record at or after it, also in compressed batches")
    func timestamps() throws {
        let log = try open(smallSegments())
        for index in 0..<100 {
            let compression: Compression = index % 2 == 0 ? .gzip : .none
            _ = try log.append(
                makeBatch(["a", "b", "c"], timestamp: Int64(index) * 100, compression: compression))
        }
        try log.flush()
        #expect(try log.offset(forTimestamp: 0) == FoundOffset(offset: 0, timestamp: 0))
        for index in Int64(0)..<100 {
            #expect(try log.offset(forTimestamp: index * 100 + 1)?.offset == index * 3 + 1)
            #expect(try log.offset(forTimestamp: index * 100 - 50)?.offset == index * 3)
        }
        #expect(try log.offset(forTimestamp: 9903) == nil)
        #expect(try log.offset(forTimestamp: 150, upTo: 3) == nil)
        #expect(try log.offsetOfMaxTimestamp() == FoundOffset(offset: 299, timestamp: 9902))
    }

    @Test("timestamps that go back and forth do not hide a record")
    func unorderedTimestamps() throws {
        let log = try open(smallSegments(600))
        var random = SeededRandom(seed: 11)
        let stamps = (0..<150).map { _ in Int64.random(in: 0..<500, using: &random) }
        for stamp in stamps { _ = try log.append(makeBatch(["x"], timestamp: stamp)) }
        try log.flush()
        for target in Int64(0)...500 {
            let expected = stamps.firstIndex { $0 >= target }.map(Int64.init)
            #expect(try log.offset(forTimestamp: target)?.offset == expected)
        }
        #expect(try log.offsetOfMaxTimestamp()?.timestamp == stamps.max())
    }

    @Test("with log append time every batch carries the log's clock under a right checksum")
    func logAppendTime() throws {
        let clock = ManualClock()
        var configuration = LogConfiguration()
        configuration.timestampType = .logAppendTime
        let log = try PartitionLog.open(
            directory: "data/orders-0", configuration: configuration, files: files, now: clock.now)
        let batch = try makeBatch(["a", "b"], timestamp: 5)
        let result = try log.append(batch)
        #expect(result.logAppendTime == clock.now())
        try log.flush()
        let bytes = try log.read(from: 0, maxBytes: 1000)
        let header = try RecordBatchHeader(parsing: bytes)
        #expect(header.isChecksumValid(in: bytes))
        #expect(header.maxTimestamp == clock.now())
        #expect(header.timestampType == .logAppendTime)
        #expect(try log.offset(forTimestamp: 6) == FoundOffset(offset: 0, timestamp: clock.now()))
        #expect(batch == (try makeBatch(["a", "b"], timestamp: 5)))
    }

    @Test("a closed log takes no more calls, and one that was only read stays as it was closed")
    func closing() throws {
        var log = try open()
        _ = try log.append(makeBatch(["a"]))
        try log.close()
        try log.close()
        #expect(logError { _ = try log.append(makeBatch(["b"])) }?.code == .closed)
        #expect(logError { _ = try log.read(from: 0, maxBytes: 1) }?.code == .closed)

        log = try open()
        #expect(try records(log) == reads(["a"]))
        files.cutPower()
        log = try open()
        #expect(log.recoveryReport.verdict == .clean)
        _ = try log.append(makeBatch(["b"]))
        try log.flush()
        files.cutPower()
        log = try open()
        #expect(log.recoveryReport.verdict == .recovered)
        #expect(try records(log) == reads(["a", "b"]))
    }

    @Test("a directory of another format is refused")
    func unknownFormat() throws {
        _ = try open()
        try files.setContents(of: "data/orders-0/format-version", Array("tidings-log 2\n".utf8))
        #expect(logError { _ = try open() }?.code == .unsupportedFormat)
    }

    @Test("the real file system keeps what the simulated one keeps")
    func posix() throws {
        let directory = try TemporaryDirectory()
        var log = try PartitionLog.open(directory: directory.path + "/a/orders-0", configuration: smallSegments())
        for index in 0..<100 { _ = try log.append(makeBatch(["value \(index)"])) }
        try log.flush()
        #expect(try records(log).count == 100)
        try log.close()
        log = try PartitionLog.open(directory: directory.path + "/a/orders-0", configuration: smallSegments())
        #expect(log.recoveryReport.verdict == .clean)
        #expect(try records(log) == reads((0..<100).map { "value \($0)" }))
        #expect(try log.append(makeBatch(["next"])).baseOffset == 100)
    }
}

import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite struct IdempotenceTests {
    let files = SimulatedFileSystem(seed: 2)
    let clock = ManualClock()

    func open(_ configuration: LogConfiguration = LogConfiguration()) throws -> PartitionLog {
        try PartitionLog.open(directory: "t-0", configuration: configuration, files: files, now: clock.now)
    }

    @Test("each of a producer's last five batches, sent again, is answered with its first offset")
    func duplicates() throws {
        let log = try open()
        for sequence in Int32(0)..<7 {
            #expect(try log.append(idempotent(sequence * 2, count: 2)).baseOffset == Int64(sequence) * 2)
        }
        for sequence in Int32(2)..<7 {
            let expected = AppendResult(
                baseOffset: Int64(sequence) * 2, lastOffset: Int64(sequence) * 2 + 1, isDuplicate: true)
            #expect(try log.append(idempotent(sequence * 2, count: 2)) == expected)
        }
        #expect(logError { _ = try log.append(idempotent(2, count: 2)) }?.code == .outOfOrderSequence)
        #expect(log.logEndOffset == 14)
    }

    @Test("a gap, an old epoch and a new epoch that does not begin at zero are refused")
    func refusals() throws {
        let log = try open()
        _ = try log.append(idempotent(0, epoch: 3))
        #expect(logError { _ = try log.append(idempotent(2, epoch: 3)) }?.errorCode == .outOfOrderSequenceNumber)
        #expect(logError { _ = try log.append(idempotent(1, epoch: 2)) }?.errorCode == .invalidProducerEpoch)
        #expect(logError { _ = try log.append(idempotent(1, epoch: 4)) }?.errorCode == .outOfOrderSequenceNumber)
        #expect(try log.append(idempotent(0, epoch: 4)).baseOffset == 1)
        #expect(try log.append(idempotent(1, epoch: 4)).baseOffset == 2)
    }

    @Test("an unknown producer may begin anywhere, and sequences wrap to zero")
    func wrap() throws {
        let log = try open()
        _ = try log.append(idempotent(Int32.max - 1, count: 3))
        #expect(try log.append(idempotent(1)).baseOffset == 3)
        #expect(try log.append(idempotent(Int32.max - 1, count: 3)).isDuplicate)
        #expect(logError { _ = try log.append(idempotent(3)) }?.code == .outOfOrderSequence)
    }

    @Test("all five batches are known after a clean close, a kill, a power cut and several rolls", arguments: 0..<3)
    func restart(kind: Int) throws {
        var log = try open(smallSegments(400))
        for sequence in Int32(0)..<20 { _ = try log.append(idempotent(sequence)) }
        try log.flush()
        switch kind {
        case 0: try log.close()
        case 1: files.killProcess()
        default: files.cutPower()
        }
        log = try open(smallSegments(400))
        for sequence in Int32(15)..<20 {
            let result = try log.append(idempotent(sequence))
            #expect(result.isDuplicate && result.baseOffset == Int64(sequence))
        }
        #expect(try log.append(idempotent(20)).baseOffset == 20)
    }

    @Test("several batches of a producer in one record set must follow one another")
    func severalBatches() throws {
        let log = try open()
        var set = try idempotent(0, count: 2)
        set.writeImmutableBuffer(try idempotent(2))
        #expect(try log.append(set).lastOffset == 2)
        #expect(try log.append(set).isDuplicate)
        var gap = try idempotent(3)
        gap.writeImmutableBuffer(try idempotent(5))
        #expect(logError { _ = try log.append(gap) }?.code == .outOfOrderSequence)
        #expect(log.logEndOffset == 3)
        #expect(try log.append(idempotent(3)).baseOffset == 3)
    }

    @Test("a damaged snapshot is passed over and the log read instead")
    func damagedSnapshot() throws {
        var log = try open(smallSegments(400))
        for sequence in Int32(0)..<20 { _ = try log.append(idempotent(sequence)) }
        try log.close()
        for name in try files.list("t-0") where name.hasSuffix(".snapshot") {
            try files.flipBit(in: "t-0/\(name)", at: 20)
        }
        log = try open(smallSegments(400))
        #expect(log.recoveryReport.notes.contains { $0.contains("snapshot") })
        #expect(try log.append(idempotent(16)).baseOffset == 16)
        #expect(try log.append(idempotent(20)).baseOffset == 20)
    }

    @Test("a producer is forgotten when it was silent for too long")
    func expiry() throws {
        let log = try open()
        _ = try log.append(idempotent(5))
        clock.advance(24 * 3_600_000)
        try log.roll()
        #expect(try log.append(idempotent(900)).baseOffset == 1)
    }
}

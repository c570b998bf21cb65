import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite("Transactions in a log") struct TransactionTests {
    let files = SimulatedFileSystem(seed: 5)

    func open(_ configuration: LogConfiguration = LogConfiguration()) throws -> PartitionLog {
        try PartitionLog.open(directory: "t-0", configuration: configuration, files: files)
    }

    @Test("nothing of a transaction is stable before its marker is durable")
    func holdsTheStableOffset() throws {
        let log = try open()
        _ = try log.append(makeBatch(["plain"]))
        try log.append(transactional: 0, producer: 1)
        _ = try log.append(makeBatch(["behind"]))
        try log.flush()
        #expect(log.bounds == LogBounds(logStartOffset: 0, lastStableOffset: 1, highWatermark: 3))
        try log.end(producer: 1, commit: true)
        #expect(log.lastStableOffset == 1)
        try log.flush()
        #expect(log.lastStableOffset == 4)
        #expect(log.abortedTransactions(from: 0, before: 4) == [])
    }

    @Test("the first of several open transactions holds the others' records back")
    func holdsForTheFirst() throws {
        let log = try open()
        for producer: Int64 in 1...3 { try log.append(transactional: 0, producer: producer) }
        try log.end(producer: 2, commit: true)
        try log.end(producer: 1, commit: false)
        try log.flush()
        #expect(log.lastStableOffset == 2)
        try log.end(producer: 3, commit: false)
        try log.flush()
        #expect(log.lastStableOffset == 6)
        let aborted = log.abortedTransactions(from: 0, before: 6)
        #expect(aborted.map(\.producerID) == [1, 3])
        #expect(aborted.map(\.firstOffset) == [0, 2])
        #expect(aborted.map(\.lastStableOffset) == [2, 6])
        #expect(log.abortedTransactions(from: 5, before: 6).map(\.producerID) == [3])
        #expect(log.abortedTransactions(from: 0, before: 1).map(\.producerID) == [1])
    }

    @Test("a marker without records of its transaction, or a second one, changes nothing but the fence")
    func takesMarkersTwice() throws {
        let log = try open()
        try log.append(transactional: 0, producer: 1)
        try log.end(producer: 1, commit: false)
        try log.end(producer: 1, commit: false)
        try log.end(producer: 9, commit: false)
        try log.flush()
        #expect(log.lastStableOffset == 4)
        #expect(log.abortedTransactions(from: 0, before: 4).count == 1)
    }

    @Test("a marker with a higher epoch fences who wrote before, and its successor begins at sequence 0")
    func fences() throws {
        let log = try open()
        try log.append(transactional: 0, producer: 1, epoch: 0)
        try log.end(producer: 1, epoch: 1, commit: false)
        #expect(logError { try log.append(transactional: 1, producer: 1, epoch: 0) }?.code == .invalidProducerEpoch)
        try log.append(transactional: 0, producer: 1, epoch: 2)
        #expect(log.logEndOffset == 3)
    }

    @Test("only who has a transaction here adds to one; the retry of a batch is known without asking")
    func asksTheGuard() throws {
        let log = try open()
        let batch = try transactional(0, producer: 1)
        #expect(logError { _ = try log.append(batch) }?.errorCode == .invalidTxnState)
        #expect(log.logEndOffset == 0)
        try log.append(transactional: 0, producer: 1)
        #expect(try log.append(batch).isDuplicate)
        var builder = RecordBatchBuilder(isTransactional: true)
        builder.append(timestamp: 1, key: nil, value: nil)
        let anonymous = try builder.build()
        #expect(logError { _ = try log.append(anonymous, transactions: { _, _ in nil }) }?.code == .invalidRecord)
    }

    @Test("open and aborted transactions are found again, however the log was left", arguments: [false, true])
    func survives(isKilled: Bool) throws {
        var log = try open(smallSegments(400))
        for round: Int32 in 0..<6 {
            try log.append(transactional: round, producer: 1)
            try log.append(transactional: round, producer: 2)
            try log.end(producer: 1, commit: round % 2 == 0)
            try log.end(producer: 2, commit: false)
        }
        try log.append(transactional: 6, producer: 1)
        try log.flush()
        let aborted = log.abortedTransactions(from: 0, before: log.logEndOffset)
        #expect(aborted.count == 9)
        let bounds = log.bounds
        if isKilled { files.killProcess() } else { try log.close() }
        log = try open(smallSegments(400))
        #expect(log.bounds == bounds)
        #expect(log.abortedTransactions(from: 0, before: bounds.highWatermark) == aborted)
        // Without one of the indexes, and without a snapshot that would spare the search.
        try log.close()
        for name in try files.list("t-0") {
            if name.hasSuffix(".txnindex") { try files.setContents(of: "t-0/\(name)", [0, 7]) }
            if name.hasSuffix(".snapshot"), isKilled { try files.remove("t-0/\(name)") }
        }
        log = try open(smallSegments(400))
        #expect(log.bounds == bounds)
        #expect(log.abortedTransactions(from: 0, before: bounds.highWatermark) == aborted)
        try log.end(producer: 1, commit: true)
        try log.flush()
        #expect(log.lastStableOffset == log.logEndOffset)
    }

    @Test("a producer with an open transaction is not forgotten, however silent")
    func keepsOpenProducers() throws {
        let clock = ManualClock()
        var configuration = LogConfiguration()
        configuration.producerExpirationMilliseconds = 1000
        let log = try PartitionLog.open(directory: "t-0", configuration: configuration, files: files, now: clock.now)
        try log.append(transactional: 0, producer: 1)
        clock.advance(5000)
        log.forgetSilentProducers()
        #expect(logError { try log.append(transactional: 5, producer: 1) }?.code == .outOfOrderSequence)
        try log.end(producer: 1, commit: true)
        clock.advance(5000)
        log.forgetSilentProducers()
        try log.append(transactional: 5, producer: 1)
    }

    @Test(
        "a crash at any step of a roll forgets no aborted transaction",
        arguments: [CuttingFileSystem.End.powerCut, .processKill])
    func survivesEveryStepOfARoll(end: CuttingFileSystem.End) throws {
        var step = 0
        var wasCut = true
        while wasCut {
            let files = CuttingFileSystem(SimulatedFileSystem(seed: UInt64(step)))
            let log = try PartitionLog.open(directory: "t-0", files: files)
            try log.append(transactional: 0, producer: 1)
            try log.end(producer: 1, commit: false)
            try log.flush()
            files.cut(after: step, end)
            _ = logError { try log.roll() }
            wasCut = files.revive()
            for _ in 0..<2 {
                let again = try PartitionLog.open(directory: "t-0", files: files)
                #expect(again.abortedTransactions(from: 0, before: 2).map(\.producerID) == [1], "step \(step)")
                files.disk.killProcess()
            }
            step += 1
        }
        #expect(step > 10)
    }

    @Test("an offset index that is built anew leaves the aborted transactions of its segment")
    func keepsAbortedWithADamagedIndex() throws {
        let log = try open()
        try log.append(transactional: 0, producer: 1)
        try log.end(producer: 1, commit: false)
        try log.roll()
        try log.close()
        // Its only entry points behind the segment's end.
        try files.setContents(of: "t-0/00000000000000000000.index", [0, 0, 0, 1, 0x7F, 0xFF, 0xFF, 0xFF])
        let again = try open()
        #expect(again.recoveryReport.isNoteworthy)
        #expect(again.abortedTransactions(from: 0, before: 2).map(\.producerID) == [1])
    }

    @Test("any course of transactions, rolls, power cuts and restarts leaves what a plain list says", arguments: 1...60)
    func followsTheModel(seed: UInt64) throws {
        var model = try TransactionModel(seed: seed)
        for _ in 0..<12 {
            try model.live(steps: 40)
            try model.die()
            model.check()
        }
    }
}

/// A batch of a transaction.
func transactional(_ sequence: Int32, producer: Int64, epoch: Int16 = 0) throws -> ByteBuffer {
    var builder = RecordBatchBuilder(
        producerID: producer, producerEpoch: epoch, baseSequence: sequence, isTransactional: true)
    builder.append(timestamp: 1000, key: nil, value: ByteBuffer(string: "\(producer)/\(sequence)"))
    return try builder.build()
}

extension PartitionLog {
    func append(transactional sequence: Int32, producer: Int64, epoch: Int16 = 0) throws {
        _ = try append(
            KafkaLogTests.transactional(sequence, producer: producer, epoch: epoch), transactions: { _, _ in nil })
    }

    func end(producer: Int64, epoch: Int16 = 0, commit: Bool) throws {
        let marker = EndTransactionMarker(isCommit: commit)
        _ = try append(
            marker.batch(producerID: producer, producerEpoch: epoch, timestamp: 1000), origin: .coordinator)
    }
}

/// A log and what a plain list of its batches says about it.
private struct TransactionModel {
    private enum Entry {
        case data(producer: Int64, offset: Int64)
        case marker(producer: Int64, offset: Int64, isCommit: Bool)

        var offset: Int64 {
            switch self {
            case .data(_, let offset), .marker(_, let offset, _): offset
            }
        }
    }

    private let seed: UInt64
    private var random: SeededRandom
    private let files: SimulatedFileSystem
    private var log: PartitionLog
    private var entries: [Entry] = []
    private var sequences: [Int64: Int32] = [:]
    private var durable: Int64 = 0

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(seed: seed)
        files = SimulatedFileSystem(seed: seed)
        log = try Self.open(files)
    }

    private static func open(_ files: SimulatedFileSystem) throws -> PartitionLog {
        try PartitionLog.open(directory: "t-0", configuration: smallSegments(600), files: files)
    }

    mutating func live(steps: Int) throws {
        for _ in 0..<steps {
            let producer = Int64.random(in: 1...4, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                let sequence = sequences[producer, default: 0]
                entries.append(.data(producer: producer, offset: log.logEndOffset))
                try log.append(transactional: sequence, producer: producer)
                sequences[producer] = sequence + 1
            case 5..<8:
                let isCommit = Bool.random(using: &random)
                entries.append(.marker(producer: producer, offset: log.logEndOffset, isCommit: isCommit))
                try log.end(producer: producer, commit: isCommit)
            case 8:
                try log.flush()
                durable = log.durableOffset
            default:
                durable = max(durable, log.durableOffset)
                check()
            }
        }
        durable = max(durable, log.durableOffset)
    }

    mutating func die() throws {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: try log.close()
        case 1: files.killProcess()
        default: files.cutPower()
        }
        log = try Self.open(files)
        #expect(log.logEndOffset >= durable, "seed \(seed)")
        entries.removeAll { $0.offset >= log.logEndOffset }
        durable = log.durableOffset
        for producer in sequences.keys {
            sequences[producer] = Int32(
                entries.count {
                    if case .data(producer, _) = $0 { true } else { false }
                })
        }
    }

    func check() {
        var open: [Int64: Int64] = [:]
        var waiting: [Int64] = []
        var aborted: [[Int64]] = []
        for entry in entries {
            switch entry {
            case .data(let producer, let offset):
                if open[producer] == nil { open[producer] = offset }
            case .marker(let producer, let offset, let isCommit):
                guard let first = open.removeValue(forKey: producer) else { continue }
                if offset >= log.highWatermark { waiting.append(first) }
                if !isCommit { aborted.append([producer, first, offset]) }
            }
        }
        let stable = ([log.highWatermark] + Array(open.values) + waiting).min()
        #expect(log.lastStableOffset == stable, "seed \(seed)")
        let found = log.abortedTransactions(from: 0, before: .max)
        #expect(found.map { [$0.producerID, $0.firstOffset, $0.lastOffset] } == aborted, "seed \(seed)")
        for start in stride(from: 0, to: log.logEndOffset, by: 7) {
            let wanted = aborted.filter { $0[2] >= start && $0[1] < start + 5 }
            let part = log.abortedTransactions(from: start, before: start + 5)
            #expect(part.map { [$0.producerID, $0.firstOffset, $0.lastOffset] } == wanted, "seed \(seed)")
        }
    }
}

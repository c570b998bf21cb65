import Glibc
import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

/// Random lives of a log on a disk that loses, tears, fills up and refuses; each seed is one life.
@Suite struct PowerCutTests {
    /// `make prove` lives longer.
    static let factor: UInt64 = getenv("TIDINGS_PROVE") == nil ? 1 : 30
    static let parts = 10

    @Test("whatever was flushed is there after any crash, in order, once", arguments: 0..<parts)
    func flushedSurvives(part: Int) throws {
        let count = 15 * Self.factor
        for seed in UInt64(part) * count..<UInt64(part + 1) * count {
            var life = try Life(seed: seed, writeOrder: .kept)
            try life.run(steps: 120)
        }
    }

    @Test("when writes reach the disk in any order, flushed records are there or the log says that it is damaged")
    func anyOrder() throws {
        var refusals: UInt64 = 0
        for seed in 1_000_000..<(1_000_000 + 50 * Self.factor) {
            var life = try Life(seed: seed, writeOrder: .any)
            do {
                try life.run(steps: 80)
            } catch let error as LogError where error.code == .damaged {
                refusals += 1
            }
        }
        #expect(refusals < 50 * Self.factor)
    }

    @Test("flipped bits in flushed bytes are reported or harmless, never a silent loss")
    func rot() throws {
        var reported: UInt64 = 0
        for seed in 2_000_000..<(2_000_000 + 100 * Self.factor) {
            var life = try Life(seed: seed, writeOrder: .kept)
            try life.run(steps: 40)
            reported += try life.rotAndCheck() ? 1 : 0
        }
        // The rest hit bytes that no checksum covers, or closed segments, which are not read again.
        #expect(reported > 25 * Self.factor)
    }
}

/// One life: what was done to the log, and what must therefore be in it.
struct Life {
    let seed: UInt64
    let files: SimulatedFileSystem
    let clock = ManualClock()
    var random: SeededRandom
    var log: PartitionLog
    /// Every record that an append returned for, in order; those before `flushed` must survive.
    var appended: [Read] = []
    var flushed = 0
    var producers: [Int64: Int32] = [1: 0, 2: Int32.max - 20, 3: 0]

    init(seed: UInt64, writeOrder: SimulatedFileSystem.WriteOrder) throws {
        self.seed = seed
        random = SeededRandom(seed: seed &+ 77)
        files = SimulatedFileSystem(seed: seed, writeOrder: writeOrder)
        log = try PartitionLog.open(directory: "d/t-0", configuration: Self.configuration, files: files)
    }

    static let configuration = smallSegments(700)

    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<50: try append()
            case 50..<75: try flush()
            case 75..<80: try read()
            case 80..<84: try crash { $0.cutPower() }
            case 84..<87: try crash { $0.killProcess() }
            case 87..<89: try crash { _ in }
            case 89..<91: try failSync()
            case 91..<95: fillDisk()
            default: clock.advance(1000)
            }
        }
        try crash { $0.cutPower() }
        try log.flush()
    }

    private mutating func append() throws {
        let producer = Int64.random(in: 1...3, using: &random)
        let sequence = producers[producer] ?? 0
        let count = Int.random(in: 1...4, using: &random)
        let batch = try idempotent(sequence, count: count, producer: producer)
        let end = log.logEndOffset
        guard let result = try attempt({ log in try log.append(batch) }) else { return }
        #expect(result.baseOffset == end && !result.isDuplicate, "seed \(seed)")
        for index in 0..<count {
            let value = "\(producer)/0/\(Int(sequence) + index)"
            appended.append(Read(offset: result.baseOffset + Int64(index), value: value))
        }
        producers[producer] = Int32((Int64(sequence) + Int64(count)) & Int64(Int32.max))
        // A retry, as after a lost response.
        if random.chance(20), let again = try attempt({ log in try log.append(batch) }) {
            #expect(again.isDuplicate && again.baseOffset == result.baseOffset, "seed \(seed)")
        }
    }

    private mutating func flush() throws {
        let count = appended.count
        if try attempt({ log in try log.flush() }) != nil {
            flushed = count
            #expect(log.highWatermark == Int64(count), "seed \(seed)")
        }
    }

    private func read() throws {
        let upTo = Int(log.highWatermark)
        #expect(try records(log) == Array(appended[..<upTo]), "seed \(seed)")
        if let first = appended[..<upTo].randomElement() {
            #expect(try records(log, from: first.offset).first == first, "seed \(seed)")
        }
    }

    private mutating func failSync() throws {
        files.failSyncs(.next)
        try append()
        try flush()
        files.failSyncs(.none)
    }

    private mutating func fillDisk() {
        files.capacity = files.capacity == nil ? files.bytesUsed + Int.random(in: 0..<300, using: &random) : nil
    }

    /// Calls the log; `nil` when the disk was full. A log that broke is opened anew, after a power cut, since only that
    /// shows what is really on the disk.
    private mutating func attempt<Value>(_ call: (PartitionLog) throws -> Value) throws -> Value? {
        do {
            return try call(log)
        } catch let error as LogError where error.code == .noSpace {
            return nil
        } catch let error as LogError where error.code == .readOnly {
            try crash { $0.cutPower() }
            return nil
        }
    }

    /// Ends the process somehow, opens the log anew and compares.
    private mutating func crash(_ cause: (SimulatedFileSystem) -> Void) throws {
        let fault = files.capacity
        files.capacity = nil
        if random.chance(20), (try? log.close()) != nil { flushed = appended.count }
        cause(files)
        files.capacity = fault
        files.capacity = nil
        log = try PartitionLog.open(directory: "d/t-0", configuration: Self.configuration, files: files)
        let found = try records(log)
        #expect(found.count >= flushed, "seed \(seed): lost \(flushed - found.count) flushed records")
        #expect(found == Array(appended.prefix(found.count)), "seed \(seed)")
        #expect(log.highWatermark == Int64(found.count), "seed \(seed)")
        try retryLost(found.count)
    }

    /// What a producer does with batches that were not acknowledged: it sends them again.
    private mutating func retryLost(_ kept: Int) throws {
        for (producer, _) in producers {
            let mine = appended.enumerated().filter { $0.element.value.hasPrefix("\(producer)/") }
            guard let firstLost = mine.first(where: { $0.offset >= kept }) else { continue }
            let sequence = firstLost.element.value.split(separator: "/").last.flatMap { Int64($0) } ?? 0
            producers[producer] = Int32(sequence & Int64(Int32.max))
        }
        appended.removeLast(appended.count - kept)
        flushed = kept
    }

    /// Flips one bit that is on the disk. Returns whether the log noticed.
    mutating func rotAndCheck() throws -> Bool {
        files.killProcess()
        let names = try files.list("d/t-0").filter { !$0.hasSuffix(".tmp") }.sorted()
        let path = "d/t-0/\(names.randomElement(using: &random) ?? "")"
        let size = try files.contents(of: path).readableBytes
        guard size > 0 else { return true }
        try files.flipBit(
            in: path, at: Int.random(in: 0..<size, using: &random), bit: Int.random(in: 0..<8, using: &random))
        do {
            log = try PartitionLog.open(directory: "d/t-0", configuration: Self.configuration, files: files)
        } catch {
            return true
        }
        let found = try? records(log)
        if path.hasSuffix(".log") {
            // A closed segment below the recovery point is not read again; readers meet what is in it.
            #expect(log.logEndOffset == Int64(appended.count), "seed \(seed) \(path)")
        } else {
            #expect(found == appended, "seed \(seed) \(path)")
        }
        return log.recoveryReport.isNoteworthy
    }
}

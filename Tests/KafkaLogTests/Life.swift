import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

/// One life of a log: what was done to it, and what must therefore be in it.
struct Life {
    /// A batch that an append returned for.
    struct Sent {
        var producer: Int64
        var sequence: Int32
        var count: Int
        var baseOffset: Int64
        var end: Int64 { baseOffset + Int64(count) }

        var batch: ByteBuffer {
            get throws { try idempotent(sequence, count: count, producer: producer) }
        }

        var records: [Read] {
            (0..<count).map { Read(offset: baseOffset + Int64($0), value: "\(producer)/0/\(Int(sequence) + $0)") }
        }
    }

    static let directory = "d/t-0"
    static let configuration = smallSegments(700)

    let seed: UInt64
    let files: SimulatedFileSystem
    var random: SeededRandom
    var log: PartitionLog
    /// What was appended, in order; what lies before `flushed` must survive.
    var sent: [Sent] = []
    var flushed: Int64 = 0
    /// Where the log must begin; two possibilities after a deletion that failed half-way.
    var starts: Set<Int64> = [0]
    /// The next sequence of each producer.
    var producers: [Int64: Int32] = [1: 0, 2: Int32.max - 20, 3: 0]

    init(seed: UInt64, writeOrder: SimulatedFileSystem.WriteOrder) throws {
        self.seed = seed
        random = SeededRandom(seed: seed &+ 77)
        files = SimulatedFileSystem(seed: seed, writeOrder: writeOrder)
        log = try Self.open(files)
    }

    private static func open(_ files: SimulatedFileSystem) throws -> PartitionLog {
        try PartitionLog.open(directory: directory, configuration: configuration, files: files)
    }

    var end: Int64 { sent.last?.end ?? 0 }

    /// The records that must be there between the log's start and an offset.
    func expected(upTo limit: Int64) -> [Read] {
        let start = log.logStartOffset
        return sent.flatMap(\.records).filter { $0.offset >= start && $0.offset < limit }
    }

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
            case 91..<94: fillDisk()
            case 94..<96: try deleteRecords()
            default: _ = try attempt { log in try log.roll() }
            }
        }
        try crash { $0.cutPower() }
    }

    private mutating func append() throws {
        let producer = Int64.random(in: 1...3, using: &random)
        var batch = Sent(
            producer: producer, sequence: producers[producer] ?? 0, count: Int.random(in: 1...4, using: &random),
            baseOffset: log.logEndOffset)
        let bytes = try batch.batch
        guard let result = try attempt({ log in try log.append(bytes) }) else { return }
        #expect(result.baseOffset == end && !result.isDuplicate, "seed \(seed)")
        batch.baseOffset = result.baseOffset
        sent.append(batch)
        producers[producer] = Int32((Int64(batch.sequence) + Int64(batch.count)) & Int64(Int32.max))
        // A retry, as after a lost response.
        if random.chance(20), let again = try attempt({ log in try log.append(bytes) }) {
            #expect(again.isDuplicate && again.baseOffset == result.baseOffset, "seed \(seed)")
        }
    }

    private mutating func flush() throws {
        let end = end
        if try attempt({ log in try log.flush() }) != nil {
            flushed = end
            #expect(log.highWatermark == end, "seed \(seed)")
        }
    }

    private mutating func read() throws {
        let expected = expected(upTo: log.highWatermark)
        #expect(try records(log) == expected, "seed \(seed)")
        if let one = expected.randomElement(using: &random) {
            #expect(try records(log, from: one.offset).first == one, "seed \(seed)")
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

    private mutating func deleteRecords() throws {
        let offset = Int64.random(in: log.logStartOffset...log.highWatermark, using: &random)
        starts.insert(offset)
        if try attempt({ log in try log.deleteRecords(before: offset) }) != nil { starts = [offset] }
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
        files.capacity = nil
        if random.chance(20), (try? log.close()) != nil { flushed = end }
        cause(files)
        log = try Self.open(files)
        #expect(starts.contains(log.logStartOffset), "seed \(seed): starts at \(log.logStartOffset)")
        starts = [log.logStartOffset]

        let found = log.logEndOffset
        #expect(found >= flushed, "seed \(seed): lost \(flushed - found) flushed records")
        #expect(log.highWatermark == found, "seed \(seed)")
        #expect(try records(log) == expected(upTo: found), "seed \(seed)")
        let lost = sent.filter { $0.baseOffset >= found }
        sent.removeAll { $0.baseOffset >= found }
        #expect(end == found, "seed \(seed): a batch was cut in two")
        flushed = found
        try retry(lost)
    }

    /// What producers do that heard nothing: they send again. What had survived must be known, what was lost is new.
    private mutating func retry(_ lost: [Sent]) throws {
        for producer in producers.keys.sorted() {
            let survivors = sent.filter { $0.producer == producer }.suffix(5)
            for batch in survivors where batch.baseOffset >= log.logStartOffset {
                let result = try log.append(batch.batch)
                #expect(result.isDuplicate && result.baseOffset == batch.baseOffset, "seed \(seed)")
            }
            if let first = lost.first(where: { $0.producer == producer }) { producers[producer] = first.sequence }
        }
    }

    /// Flips one bit that is on the disk. Returns whether the log noticed.
    mutating func rotAndCheck() throws -> Bool {
        files.killProcess()
        let names = try files.list(Self.directory).filter { !$0.hasSuffix(".tmp") }.sorted()
        let path = "\(Self.directory)/\(names.randomElement(using: &random) ?? "")"
        let size = try files.contents(of: path).readableBytes
        guard size > 0 else { return true }
        let position = Int.random(in: 0..<size, using: &random)
        try files.flipBit(in: path, at: position, bit: Int.random(in: 0..<8, using: &random))
        do {
            log = try Self.open(files)
        } catch {
            return true
        }
        // A closed segment below the recovery point is not read again; readers meet what is in it.
        #expect(log.logEndOffset == end, "seed \(seed) \(path)")
        if !path.hasSuffix(".log"), !path.hasSuffix("checkpoint") {
            #expect(try records(log) == expected(upTo: end), "seed \(seed) \(path)")
        }
        return log.recoveryReport.isNoteworthy
    }
}

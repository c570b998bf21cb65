import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

/// One life of a compacted log on a bad disk: random records, tombstones, transactions, cleanings and crashes, and a plain
/// list of all that was appended to compare with.
struct CompactionLife {
    enum Event {
        case record(Row, producer: Int64?, isTransactional: Bool, time: Int64)
        case marker(producer: Int64, offset: Int64, isCommit: Bool)

        var offset: Int64 {
            switch self {
            case .record(let row, _, _, _): row.offset
            case .marker(_, let offset, _): offset
            }
        }
    }

    struct Sent {
        var bytes: ByteBuffer
        var base: Int64
        var count: Int
        var end: Int64 { base + Int64(count) }
    }

    static let directory = "d/t-0"
    private static let codecs: [Compression] = [.none, .none, .lz4, .zstd, .gzip, .snappy]

    let seed: UInt64
    let disk: SimulatedFileSystem
    let files: CuttingFileSystem
    let clock = ManualClock()
    var random: SeededRandom
    var log: PartitionLog
    var events: [Event] = []
    /// The batches of the idempotent producers 1 to 5, of which 4 and 5 use transactions.
    var sent: [Int64: [Sent]] = [:]
    var flushed: Int64 = 0
    var nextValue = 0
    /// When the first cleaning began that may have met an offset: the latest time for each end.
    var cleanings: [(end: Int64, time: Int64)] = []
    var reports = 0

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(seed: seed &+ 99)
        disk = SimulatedFileSystem(seed: seed)
        files = CuttingFileSystem(disk)
        log = try Self.open(files, clock)
    }

    private static func open(_ files: CuttingFileSystem, _ clock: ManualClock) throws -> PartitionLog {
        try PartitionLog.open(
            directory: directory, configuration: compacted(segmentBytes: 700), files: files, now: clock.now)
    }

    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<25: try append(producer: nil)
            case 25..<40: try append(producer: Int64.random(in: 1...3, using: &random))
            case 40..<50: try append(producer: Int64.random(in: 4...5, using: &random))
            case 50..<56: try endTransaction()
            case 56..<64: try attempt { log in try log.flush() }
            case 64..<74: try attempt { log in try log.roll() }
            case 74..<86: try clean()
            case 86..<89: clock.advance(Int64.random(in: 0...900, using: &random))
            case 89..<91: try deleteRecords()
            case 91..<95: try cleanAndCrash()
            case 95..<97: fillDisk()
            default: try crash()
            }
            if !files.isDead { flushed = max(flushed, log.durableOffset) }
        }
        try crash()
        try check()
    }

    // MARK: What happens

    private mutating func append(producer: Int64?) throws {
        let records = (0..<Int.random(in: 1...4, using: &random)).map { _ in
            nextValue += 1
            let isTombstone = random.chance(20)
            return (
                key: Optional("k\(Int.random(in: 0..<9, using: &random))"), value: isTombstone ? nil : "\(nextValue)"
            )
        }
        let isTransactional = (producer ?? 0) >= 4
        let batches = sent[producer ?? -1] ?? []
        let bytes = try keyed(
            records, compression: Self.codecs.randomElement(using: &random) ?? .none, producer: producer ?? -1,
            sequence: producer == nil ? -1 : Int32(batches.reduce(0) { $0 + $1.count }),
            isTransactional: isTransactional, timestamp: clock.now())
        let result = try attempt { log in try log.append(bytes, transactions: { _, _ in nil }) }
        guard let result else { return }
        #expect(!result.isDuplicate, "seed \(seed)")
        for (index, record) in records.enumerated() {
            let row = Row(offset: result.baseOffset + Int64(index), key: record.key, value: record.value)
            events.append(
                .record(row, producer: producer, isTransactional: isTransactional, time: clock.now()))
        }
        guard let producer else { return }
        sent[producer] = batches + [Sent(bytes: bytes, base: result.baseOffset, count: records.count)]
    }

    private mutating func endTransaction() throws {
        let producer = Int64.random(in: 4...5, using: &random)
        let isCommit = Bool.random(using: &random)
        let offset = log.logEndOffset
        let time = clock.now()
        let done: Void? = try attempt { log in
            try log.end(transactionOf: producer, commit: isCommit, timestamp: time)
        }
        if done != nil { events.append(.marker(producer: producer, offset: offset, isCommit: isCommit)) }
    }

    private mutating func deleteRecords() throws {
        let start = log.logStartOffset
        let offset = Int64.random(in: start...max(start, min(log.highWatermark, start + 10)), using: &random)
        try attempt { log in try log.deleteRecords(before: offset) }
    }

    private mutating func fillDisk() {
        disk.capacity = disk.capacity == nil ? disk.bytesUsed + Int.random(in: 0..<600, using: &random) : nil
    }

    private mutating func clean() throws {
        let keys = random.chance(30) ? 24 * 16 : 1 << 20
        let time = clock.now()
        let report = try attempt { log in try log.clean(CleaningOptions(keyBytes: keys), isForced: true) }
        guard let report = report ?? nil else { return }
        reports += 1
        cleanings.append((report.dirtyRange.upperBound, time))
        try check()
        let cleaned = try log.rows(committed: true).filter { $0.offset < report.dirtyRange.upperBound }
        #expect(Set(cleaned.map(\.key)).count == cleaned.count, "seed \(seed): two records of one key")
    }

    /// Cleans, and takes the power or the process away before any of the changes that it makes.
    private mutating func cleanAndCrash() throws {
        let time = clock.now()
        cleanings.append((log.logEndOffset, time))
        let end: CuttingFileSystem.End = random.chance(70) ? .powerCut : .processKill
        files.cut(after: Int.random(in: 0..<60, using: &random), end)
        _ = try? log.clean(isForced: true)
        try reopen(wasCut: files.revive())
    }

    /// Calls the log; `nil` when the disk was full or the log broke, after which it is opened anew.
    @discardableResult
    private mutating func attempt<Value>(_ call: (PartitionLog) throws -> Value) throws -> Value? {
        do {
            return try call(log)
        } catch let error as LogError where error.code == .noSpace || error.code == .storage {
            return nil
        } catch let error as LogError where error.code == .readOnly {
            try crash()
            return nil
        }
    }

    private mutating func crash() throws {
        disk.capacity = nil
        switch Int.random(in: 0..<3, using: &random) {
        case 0: if (try? log.close()) != nil { flushed = log.durableOffset }
        case 1: disk.cutPower()
        default: disk.killProcess()
        }
        try reopen(wasCut: true)
    }

    private mutating func reopen(wasCut: Bool) throws {
        disk.capacity = nil
        if !wasCut { disk.killProcess() }
        if random.chance(10) {
            for name in try disk.list(Self.directory) where name.hasSuffix(".snapshot") {
                try disk.remove("\(Self.directory)/\(name)")
            }
            try disk.syncDirectory(Self.directory)
        }
        log = try Self.open(files, clock)
        let end = log.logEndOffset
        #expect(end >= flushed, "seed \(seed): lost \(flushed - end) flushed records")
        flushed = end
        events.removeAll { $0.offset >= end }
        for producer in sent.keys { sent[producer]?.removeAll { $0.base >= end } }
        try check()
        for producer in sent.keys.sorted() {
            guard let last = sent[producer]?.last, last.base >= log.logStartOffset else { continue }
            let again = try attempt { log in try log.append(last.bytes, transactions: { _, _ in nil }) }
            #expect(again == nil || again?.isDuplicate == true, "seed \(seed): producer \(producer) was forgotten")
            #expect(again == nil || again?.baseOffset == last.base, "seed \(seed)")
        }
    }

    // MARK: What must be

    /// The rows that count, up to an offset, and those of them that are still undecided.
    private func committed(before end: Int64) -> [(row: Row, time: Int64)] {
        var aborted: Set<Int64> = []
        var open: [Int64: [Int64]] = [:]
        for event in events {
            switch event {
            case .record(let row, let producer?, true, _): open[producer, default: []].append(row.offset)
            case .record: break
            case .marker(let producer, _, let isCommit):
                let offsets = open.removeValue(forKey: producer) ?? []
                if !isCommit { aborted.formUnion(offsets) }
            }
        }
        return events.compactMap { event in
            guard case .record(let row, _, _, let time) = event, row.offset < end, !aborted.contains(row.offset) else {
                return nil
            }
            return (row, time)
        }
    }

    func check() throws {
        let start = log.logStartOffset
        let rows = try log.rows(committed: true)
        let all = committed(before: log.lastStableOffset)
        let known = Dictionary(uniqueKeysWithValues: all.map { ($0.row.offset, $0.row) })
        for row in rows { #expect(known[row.offset] == row, "seed \(seed): \(row) is none that was committed") }
        #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.offset < $1.offset }, "seed \(seed)")
        let found = Set(rows)
        var newest: [String: Row] = [:]
        for (row, _) in all where row.offset >= start { newest[row.key ?? ""] = row }
        #expect(table(rows) == newest.compactMapValues(\.value), "seed \(seed)")
        for row in newest.values where !found.contains(row) {
            let first = cleanings.first { $0.end > row.offset }
            #expect(row.value == nil, "seed \(seed): \(row) is missing")
            #expect(first != nil && clock.now() >= (first?.time ?? .max) + 1000, "seed \(seed): \(row) went too early")
        }
    }
}

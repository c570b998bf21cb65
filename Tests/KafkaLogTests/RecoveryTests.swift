import Glibc
import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite struct RecoveryTests {
    let files = SimulatedFileSystem(seed: 4)
    let directory = "t-0"
    var newest: String { "t-0/00000000000000000000.log" }

    func open(_ configuration: LogConfiguration = LogConfiguration()) throws -> PartitionLog {
        try PartitionLog.open(directory: directory, configuration: configuration, files: files)
    }

    /// Ten flushed batches of one record in one segment; the process is gone, the file is closed.
    func tenBatches() throws -> [UInt8] {
        let log = try open()
        for index in 0..<10 { _ = try log.append(makeBatch(["value \(index)"])) }
        try log.flush()
        files.killProcess()
        return Array(buffer: try files.contents(of: newest))
    }

    @Test("a tail torn at any byte is cut, and everything before it is kept")
    func tornTail() throws {
        let whole = try tenBatches()
        let size = whole.count / 10
        for length in (size * 8)..<(size * 9) {
            for filler in [0, 1, 0xFF] as [UInt8] {
                for extra in [0, 1, 61, size] {
                    let torn = Array(whole[..<length]) + [UInt8](repeating: filler, count: extra)
                    // The filling may happen to be what was lost.
                    if torn.starts(with: whole[..<(size * 9)]) { continue }
                    let twin = SimulatedFileSystem(seed: 1)
                    _ = try PartitionLog.open(directory: directory, files: twin)
                    try twin.setContents(of: newest, torn)
                    let log = try PartitionLog.open(directory: directory, files: twin)
                    #expect(log.logEndOffset == 8)
                    #expect(try records(log) == reads((0..<8).map { "value \($0)" }))
                    let isTorn = length > size * 8 || extra > 0
                    #expect((log.recoveryReport.cut != nil) == isTorn)
                    #expect(try log.append(makeBatch(["next"])).baseOffset == 8)
                    try log.flush()
                    #expect(try records(log).last == Read(offset: 8, value: "next"))
                }
            }
        }
    }

    @Test("a flipped bit with a valid batch behind it is rot: the log does not open and nothing is changed")
    func rot() throws {
        let whole = try tenBatches()
        let size = whole.count / 10
        for position in 0..<(size * 9) where position % size != 12 {
            // The leader epoch (bytes 12 to 15 of a batch) is outside of everything that is checked.
            guard !(12..<16).contains(position % size) else { continue }
            try files.flipBit(in: newest, at: position, bit: position % 8)
            let error = logError { _ = try open() }
            #expect(error?.code == .damaged, "position \(position)")
            #expect(error?.message.contains(newest) == true)
            #expect(error?.message.contains("position \(position / size * size)") == true)
            try files.flipBit(in: newest, at: position, bit: position % 8)
            #expect(Array(buffer: try files.contents(of: newest)) == whole)
        }
        #expect(try open().logEndOffset == 10)
    }

    @Test("rot in the very last batch is told from a torn tail when the batch had been flushed")
    func rotInLastBatch() throws {
        let whole = try tenBatches()
        try files.flipBit(in: newest, at: whole.count - 1)
        #expect(logError { _ = try open() }?.code == .damaged)
    }

    @Test("a log that is shorter than when it was closed does not open")
    func shortened() throws {
        var log = try open()
        for index in 0..<10 { _ = try log.append(makeBatch(["value \(index)"])) }
        try log.close()
        let whole = Array(buffer: try files.contents(of: newest))
        try files.setContents(of: newest, Array(whole.dropLast(whole.count / 10)))
        #expect(logError { _ = try open() }?.code == .damaged)
        try files.setContents(of: newest, whole)
        log = try open()
        #expect(log.recoveryReport.verdict == .clean)
    }

    @Test("a missing segment is noticed", arguments: [0, 1, 5])
    func missingSegment(number: Int) throws {
        let log = try open(smallSegments(300))
        for index in 0..<40 { _ = try log.append(makeBatch(["value \(index)"])) }
        try log.close()
        let names = try files.list(directory).filter { $0.hasSuffix(".log") }.sorted()
        try files.remove("\(directory)/\(names[number == 5 ? names.count - 1 : number])")
        #expect(logError { _ = try open(smallSegments(300)) }?.code == .damaged)
    }

    @Test("indexes that are missing, short or wrong are built anew and every offset is found")
    func indexes() throws {
        var log = try open(smallSegments(2000))
        for index in 0..<200 { _ = try log.append(makeBatch(["value \(index)"], timestamp: Int64(index))) }
        try log.close()
        let names = try files.list(directory).filter { $0.hasSuffix("index") }.sorted()
        #expect(names.count > 14)
        for (number, name) in names.enumerated() {
            let path = "\(directory)/\(name)"
            let bytes = Array(buffer: try files.contents(of: path))
            // Offset and time index of a segment are neighbours: each is damaged alone and together with the other.
            switch number % 14 {
            case 0: try files.remove(path)
            case 3: try files.setContents(of: path, Array(bytes.dropLast(3)))
            case 4, 7: try files.setContents(of: path, bytes.map { _ in 0x55 })
            case 8, 11: try files.setContents(of: path, [])
            case 12, 13: try files.setContents(of: path, bytes.map { _ in 0 })
            default: break
            }
        }
        log = try open(smallSegments(2000))
        for offset in Int64(0)..<200 {
            #expect(try RecordBatchHeader(parsing: log.read(from: offset, maxBytes: 1)).baseOffset == offset)
            #expect(try log.offset(forTimestamp: offset)?.offset == offset)
        }
        #expect(log.recoveryReport.isNoteworthy)
    }

    @Test("recovery reads only what comes behind the recovery point")
    func recoveryPoint() throws {
        var log = try open(smallSegments(100_000))
        let value = String(repeating: "x", count: 1000)
        for _ in 0..<1000 { _ = try log.append(makeBatch([value])) }
        try log.flush()
        files.killProcess()
        let before = files.bytesRead
        log = try open(smallSegments(100_000))
        #expect(log.logEndOffset == 1000)
        #expect(log.recoveryReport.segmentsChecked == 1)
        #expect(files.bytesRead - before < 500_000)
    }

    @Test("damaged helpers (checkpoint, clean-shutdown) cost time and nothing else")
    func helpers() throws {
        var log = try open(smallSegments(300))
        for index in 0..<40 { _ = try log.append(makeBatch(["value \(index)"])) }
        try log.close()
        try files.flipBit(in: "\(directory)/checkpoint", at: 8)
        try files.flipBit(in: "\(directory)/clean-shutdown", at: 8)
        log = try open(smallSegments(300))
        #expect(log.recoveryReport.verdict == .recovered)
        #expect(log.recoveryReport.segmentsChecked > 10)
        #expect(log.recoveryReport.notes.count == 2)
        #expect(try records(log).count == 40)
    }

    @Test("whatever nonsense the files hold, opening and reading end with a result or an error")
    func nonsense() throws {
        for seed in UInt64(0)..<400 {
            var random = SeededRandom(seed: seed)
            let files = SimulatedFileSystem(seed: seed)
            func open() throws -> PartitionLog {
                try PartitionLog.open(directory: directory, configuration: smallSegments(300), files: files)
            }
            let log = try open()
            for index in 0..<20 { _ = try log.append(idempotent(Int32(index))) }
            if random.chance(50) { try log.close() }
            for name in try files.list(directory) where random.chance(30) && name != "format-version" {
                let path = "\(directory)/\(name)"
                var bytes = Array(buffer: try files.contents(of: path))
                if random.chance(70), !bytes.isEmpty {
                    for _ in 0..<5 {
                        let start = Int.random(in: 0..<bytes.count, using: &random)
                        let end = min(bytes.count, start + Int.random(in: 1...8, using: &random))
                        let filler: UInt8 = [0, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
                        for index in start..<end { bytes[index] = filler }
                    }
                } else {
                    let count = Int.random(in: 0..<300, using: &random)
                    bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                }
                try files.setContents(of: path, bytes)
            }
            guard let log = try? open() else { continue }
            for offset in log.logStartOffset..<log.logEndOffset { _ = try? log.read(from: offset, maxBytes: 500) }
            _ = try? log.offset(forTimestamp: 1000)
            _ = try? log.offsetOfMaxTimestamp()
            _ = try? log.append(makeBatch(["next"]))
            try? log.close()
        }
    }

    @Test("an error while reading is not taken for damage")
    func readError() throws {
        _ = try tenBatches()
        files.failReads(.all)
        #expect(logError { _ = try open() }?.code == .storage)
        files.failReads(.none)
        #expect(try open().logEndOffset == 10)
    }

    @Test("an opened log holds one descriptor, however many segments it has and however it was closed")
    func descriptors() throws {
        let holder = try TemporaryDirectory()
        let path = "\(holder.path)/t-0"
        for isClean in [false, true] {
            var log: PartitionLog? = try PartitionLog.open(directory: path, configuration: smallSegments())
            for index in 0..<40 { _ = try log?.append(idempotent(Int32(index), producer: isClean ? 1 : 2)) }
            try log?.flush()
            if isClean { try log?.close() }
            log = nil
            let opened = try PartitionLog.open(directory: path, configuration: smallSegments())
            #expect(openFiles(in: path) == 1)
            #expect(try !records(opened).isEmpty)
        }
    }

    /// How many descriptors of this process lead into a directory.
    private func openFiles(in directory: String) -> Int {
        let names = (try? PosixFileSystem().list("/proc/self/fd")) ?? []
        return names.count { name in
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/fd/\(name)", &target, target.count)
            let path = target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
            return String(decoding: path, as: UTF8.self).hasPrefix(directory)
        }
    }
}

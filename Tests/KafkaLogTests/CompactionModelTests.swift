import Dispatch
import Glibc
import KafkaLog
import KafkaProtocol
import NIOCore
import Synchronization
import Testing

/// Random lives of compacted logs, and a crash before every single change that a cleaning makes to the disk.
@Suite struct CompactionModelTests {
    /// `make prove` lives longer; with `TIDINGS_LIFE=seed` it is that life alone.
    static let factor: UInt64 = getenv("TIDINGS_PROVE") == nil ? 1 : 40

    @Test("whatever happens, a compacted log says of every key what a dictionary says", arguments: 0..<10)
    func followsTheDictionary(part: Int) throws {
        if let only = getenv("TIDINGS_LIFE").flatMap({ UInt64(String(cString: $0)) }) {
            var life = try CompactionLife(seed: only)
            return try life.run(steps: 150)
        }
        let count = 10 * Self.factor
        var cleanings = 0
        for seed in UInt64(part) * count..<UInt64(part + 1) * count {
            var life = try CompactionLife(seed: seed)
            try life.run(steps: 150)
            cleanings += life.reports
        }
        #expect(cleanings > count)
    }

    @Test(
        "a power cut or a kill before any step of a cleaning leaves the log whole, and the next cleaning finishes it",
        arguments: [CuttingFileSystem.End.powerCut, .processKill])
    func survivesEveryStep(end: CuttingFileSystem.End) throws {
        var step = 0
        var wasCut = true
        while wasCut {
            let disk = SimulatedFileSystem(seed: UInt64(step))
            let files = CuttingFileSystem(disk)
            func open() throws -> PartitionLog {
                try PartitionLog.open(directory: "d/t-0", configuration: compacted(segmentBytes: 700), files: files)
            }
            var log = try open()
            for round in 0..<50 { try log.put("k\(round % 11)", "\(round)") }
            try log.roll()
            try log.clean()
            for round in 50..<80 { try log.put("k\(round % 11)", round % 4 == 0 ? nil : "\(round)") }
            try log.roll()
            try log.flush()
            let expected = try table(log.rows())
            let end0 = log.logEndOffset

            files.cut(after: step, end)
            let error = logError { try log.clean() }
            wasCut = files.revive()
            #expect(wasCut == (error != nil), "step \(step)")
            disk.cutPower()
            log = try open()
            #expect(try table(log.rows()) == expected, "step \(step)")
            #expect(log.logEndOffset == end0, "step \(step)")
            #expect(try files.list("d/t-0").allSatisfy { !$0.hasSuffix(".cleaned") && $0 != "cleaner-swap" })
            try log.clean(isForced: true)
            let rows = try log.rows()
            #expect(rows.count == 11 && table(rows) == expected, "step \(step)")
            step += 1
        }
        #expect(step > 40)
    }

    @Test("a failed sync at any step leaves a log that is whole when it is opened anew")
    func survivesFailedSyncs() throws {
        for step in 0..<60 {
            let disk = SimulatedFileSystem(seed: UInt64(step))
            var log = try PartitionLog.open(
                directory: "d/t-0", configuration: compacted(segmentBytes: 700), files: disk)
            for round in 0..<50 { try log.put("k\(round % 11)", "\(round)") }
            try log.roll()
            try log.flush()
            let expected = try table(log.rows())
            let count = Atomic(0)
            disk.onSyncs { _, moment in
                guard moment == .before else { return }
                if count.add(1, ordering: .relaxed).newValue == step / 2 + 1 {
                    if step % 2 == 0 { disk.failSyncs(.next) } else { disk.failDirectorySyncs(.next) }
                }
            }
            _ = logError { try log.clean() }
            disk.onSyncs(nil)
            disk.failSyncs(.none)
            disk.failDirectorySyncs(.none)
            #expect(try table(log.rows()) == expected, "step \(step)")
            disk.cutPower()
            log = try PartitionLog.open(
                directory: "d/t-0", configuration: compacted(segmentBytes: 700), files: disk)
            #expect(try table(log.rows()) == expected, "step \(step)")
        }
    }

    @Test("of a producer that sent more before the power went, something is left that it is known by", arguments: 0..<8)
    func remembersProducers(seed: UInt64) throws {
        let disk = SimulatedFileSystem(seed: seed)
        func open() throws -> PartitionLog {
            try PartitionLog.open(directory: "d/t-0", configuration: compacted(segmentBytes: 700), files: disk)
        }
        func batch(_ key: String, sequence: Int32) throws -> ByteBuffer {
            try keyed([(key: key, value: "v")], producer: 1, sequence: sequence)
        }
        var log = try open()
        _ = try log.append(batch("k", sequence: 0), transactions: { _, _ in nil })
        try log.put("k", "newer")
        try log.roll()
        try log.flush()
        _ = try log.append(batch("l", sequence: 1), transactions: { _, _ in nil })
        try log.clean(isForced: true)
        disk.cutPower()
        for name in try disk.list("d/t-0") where name.hasSuffix(".snapshot") { try disk.remove("d/t-0/\(name)") }
        log = try open()
        #expect(try log.append(batch("l", sequence: 1), transactions: { _, _ in nil }).isDuplicate)
    }

    @Test("readers and appends go on while segments are replaced under them")
    func readsDuringCleaning() throws {
        let directory = try TemporaryDirectory()
        let log = try PartitionLog.open(
            directory: directory.path + "/t-0", configuration: compacted(segmentBytes: 4000))
        for round in 0..<500 { try log.put("k\(round % 50)", "\(round)") }
        try log.flush()
        let isOver = Gate()
        let readers = DispatchGroup()
        for _ in 0..<2 {
            DispatchQueue(label: "reader").async(group: readers) {
                while !isOver.isOpen {
                    guard let rows = try? log.rows() else {
                        Issue.record("a reader failed")
                        return
                    }
                    #expect(Set(rows.compactMap(\.key)).count == 50)
                    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.offset < $1.offset })
                }
            }
        }
        for round in 500..<2000 {
            try log.put("k\(round % 50)", "\(round)")
            if round % 50 == 0 { try log.flush() }
            if round % 100 == 0 { try log.clean(isForced: true) }
        }
        isOver.open()
        readers.wait()
        try log.roll()
        try log.clean(isForced: true)
        #expect(try log.rows().map(\.value) == (1950..<2000).map { "\($0)" })
    }
}

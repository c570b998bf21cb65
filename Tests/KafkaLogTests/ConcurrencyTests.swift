import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@Suite struct ConcurrencyTests {
    @Test("appends, flushes, rolls, retention and reads run side by side without losing or mixing anything")
    func sideBySide() async throws {
        let directory = try TemporaryDirectory()
        let log = try PartitionLog.open(directory: directory.path + "/t-0", configuration: smallSegments(20_000))
        let writers = 4
        let perWriter = 300
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for index in 0..<perWriter {
                        let batch = try idempotent(Int32(index), producer: Int64(writer))
                        let result = try log.append(batch)
                        if index % 10 == 0 {
                            try log.flush()
                            #expect(log.durableOffset > result.lastOffset)
                        }
                        if index % 100 == 50 { try log.roll() }
                        await Task.yield()
                    }
                    try log.flush()
                }
            }
            group.addTask {
                var next: Int64 = 0
                while next < writers * perWriter {
                    for record in try records(log, from: next) {
                        #expect(record.offset == next)
                        next += 1
                    }
                    await Task.yield()
                }
            }
            group.addTask {
                while log.highWatermark < writers * perWriter {
                    let end = log.highWatermark
                    if end > 0 {
                        let last = try records(log, from: end - 1, upTo: end)
                        #expect(last.first?.offset == end - 1)
                    }
                    await Task.yield()
                }
            }
            try await group.waitForAll()
        }
        let all = try records(log)
        #expect(all.map(\.offset) == Array(0..<Int64(writers * perWriter)))
        for writer in 0..<writers {
            let mine = all.map(\.value).filter { $0.hasPrefix("\(writer)/") }
            #expect(mine == (0..<perWriter).map { "\(writer)/0/\($0)" })
        }
    }
}

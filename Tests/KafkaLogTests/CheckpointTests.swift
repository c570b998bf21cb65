import KafkaLog
import NIOCore
import Testing

@Suite struct CheckpointTests {
    @Test("a checkpoint is the old one or the new one, whatever happens to the power")
    func atomic() throws {
        for seed in UInt64(0)..<200 {
            for order in [SimulatedFileSystem.WriteOrder.kept, .any] {
                let files = SimulatedFileSystem(seed: seed, writeOrder: order)
                let checkpoint = CheckpointFile(path: "topics", version: 3, files: files)
                #expect(try checkpoint.read() == nil)
                try checkpoint.write(ByteBuffer(string: "old"))
                switch seed % 4 {
                case 0: files.failSyncs(.next)
                case 1: files.failDirectorySyncs(.next)
                case 2: files.failWrites(.next)
                default: break
                }
                let isWritten = (try? checkpoint.write(ByteBuffer(string: "new content"))) != nil
                files.cutPower()
                let content = try checkpoint.read().map { String(buffer: $0) }
                #expect(
                    isWritten ? content == "new content" : content == "old" || content == "new content",
                    "seed \(seed), \(order)")
            }
        }
    }

    @Test("every flipped bit is noticed, and so is another version")
    func damage() throws {
        let files = SimulatedFileSystem(seed: 1)
        let checkpoint = CheckpointFile(path: "topics", version: 3, files: files)
        try checkpoint.write(ByteBuffer(string: "content"))
        for position in 0..<13 {
            try files.flipBit(in: "topics", at: position, bit: position % 8)
            #expect(throws: CheckpointFile.Damage.self) { try checkpoint.read() }
            try files.flipBit(in: "topics", at: position, bit: position % 8)
        }
        #expect(try checkpoint.read() == ByteBuffer(string: "content"))
        #expect(throws: CheckpointFile.Damage.self) {
            try CheckpointFile(path: "topics", version: 4, files: files).read()
        }
        try files.setContents(of: "topics", [1, 2, 3])
        #expect(throws: CheckpointFile.Damage.self) { try checkpoint.read() }
        try checkpoint.remove()
        try checkpoint.remove()
        #expect(try checkpoint.read() == nil)
    }
}

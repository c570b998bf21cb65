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

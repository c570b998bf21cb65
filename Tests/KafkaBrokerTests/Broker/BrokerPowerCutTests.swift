import Glibc
import KafkaLog
import Testing

@testable import KafkaBroker

/// Whole brokers on a disk that loses its power or fails a sync; each seed is one life. With `TIDINGS_LIFE=seed` it is that
/// one alone.
@Suite("A broker whose power is cut", .timeLimit(.minutes(30)))
struct BrokerPowerCutTests {
    static let parts = 4
    /// `make prove` lives longer.
    static let lives: UInt64 = getenv("TIDINGS_PROVE") == nil ? 6 : 120
    static let only = getenv("TIDINGS_LIFE").flatMap { UInt64(String(cString: $0)) }

    @Test(
        "in the midst of idempotence, transactions, offsets of groups and compaction loses and doubles nothing",
        arguments: 0..<parts)
    func survives(part: Int) async throws {
        var restarts = 0
        let seeds = Self.only.map { $0..<$0 + (part == 0 ? 1 : 0) }
        for seed in seeds ?? UInt64(part) * Self.lives..<UInt64(part + 1) * Self.lives {
            let disk = SimulatedFileSystem(seed: seed)
            let files = CuttingFileSystem(disk)
            try await withTestBroker(BrokerLife.configure, files: files) { broker in
                let life = try await BrokerLife(seed: seed, files: files, broker: broker)
                try await life.run(steps: 40)
                restarts += life.restarts
            }
        }
        print("part \(part): \(restarts) faults survived; seeds from \(UInt64(part) * Self.lives)")
        #expect(Self.only != nil || restarts > Int(Self.lives) * 2)
    }
}

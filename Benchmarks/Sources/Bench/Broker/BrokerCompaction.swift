import ArgumentParser
import Foundation
import KafkaLog
import KafkaProtocol
import NIOCore

/// Compaction of one log, without the rate that it is held to in a broker: over few keys, where little is left, and over
/// as many keys as records, where all of it is.
struct BrokerCompaction {
    let records: Int
    let repeats: Int

    func run() async throws {
        for (what, keys) in [("100,000 keys", 100_000), ("a key each", records)] {
            try await measure(what, keys: keys)
        }
    }

    private func measure(_ what: String, keys: Int) async throws {
        var (rates, cpu, left): ([Double], [Double], [Double]) = ([], [], [])
        for repetition in 0...repeats {
            let (report, seconds) = try await withDirectory { directory in
                var configuration = LogConfiguration()
                configuration.isCompacted = true
                configuration.segmentBytes = 64 << 20
                configuration.flushIntervalMessages = .max
                let log = try PartitionLog.open(directory: directory, configuration: configuration)
                defer { try? log.close() }
                try fill(log, keys: keys)
                let before = cpuSeconds()
                return (try log.clean(CleaningOptions(), isForced: true), cpuSeconds() - before)
            }
            guard let report else { throw ValidationError("nothing was cleaned") }
            if repetition == 0 { continue }
            rates.append(Double(report.bytesBefore) / 1e3 / Double(report.milliseconds))
            cpu.append(Double(report.bytesBefore) / 1e6 / seconds)
            left.append(Double(report.bytesAfter) / Double(report.bytesBefore))
        }
        report("\(what) (target 200)", "\(Spread(rates).text(0)) MB/s, of which \(Spread(left).text(2)) are left")
        report("\(what), by processor time", "\(Spread(cpu).text(0)) MB/s")
    }

    /// Batches of a hundred records of 100 bytes with keys of eight.
    private func fill(_ log: PartitionLog, keys: Int) throws {
        let value = ByteBuffer(bytes: [UInt8](repeating: UInt8(ascii: "x"), count: 92))
        for start in stride(from: 0, to: records, by: 100) {
            var builder = RecordBatchBuilder()
            for number in start..<start + 100 {
                let key = ByteBuffer(bytes: History.key(number % keys * 7919 % keys))
                builder.append(timestamp: 1_700_000_000_000, key: key, value: value)
            }
            _ = try log.append(builder.build())
        }
        try log.flush()
    }
}

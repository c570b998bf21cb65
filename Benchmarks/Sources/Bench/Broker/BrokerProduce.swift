import Foundation

/// Durable throughput of one idempotent producer in C, beside the same into a broker that keeps nothing, and beside the
/// bare disk.
struct BrokerProduce {
    let tidings: String
    let records: Int
    let repeats: Int

    private static let partitions = 5

    func run() async throws {
        try await small()
        try await large()
    }

    private func small() async throws {
        var (rates, mocks): ([Double], [Double]) = ([], [])
        try await withKafkaUnderTest(nil, tidings: tidings) { bootstrap in
            // The first pair warms up.
            for repetition in 0...repeats {
                let rate = try await rate(bootstrap, "small-\(repetition)", records, size: 100)
                // A new one each time: it grows.
                let mock = try ServerProcess.mock(partitions: Self.partitions)
                let reference = Double(records) / (try CLoop.produce(mock.address, "bench", records, size: 100))
                mock.end()
                if repetition == 0 { continue }
                rates.append(rate)
                mocks.append(reference)
            }
        }
        report("100 bytes, durable", "\(Spread(rates.map { $0 / 1000 }).text(0)) thousand records/s")
        report(
            "100 bytes, librdkafka's mock in memory", "\(Spread(mocks.map { $0 / 1000 }).text(0)) thousand records/s")
        report("durable / mock, in pairs (target 0.6)", Spread(zip(rates, mocks).map { $0 / $1 }).text(2))
    }

    private func large() async throws {
        let count = records / 5
        var (rates, disks): ([Double], [Double]) = ([], [])
        try await withKafkaUnderTest(nil, tidings: tidings) { bootstrap in
            for repetition in 0...repeats {
                let rate = try await rate(bootstrap, "large-\(repetition)", count, size: 1000) / 1000
                let disk = Double(count) / 1000 / (try await BareDisk.writes(count * 1000))
                if repetition == 0 { continue }
                rates.append(rate)
                disks.append(disk)
            }
        }
        report("1000 bytes, durable (target 500)", "\(Spread(rates).text(0)) MB/s")
        report("write + fdatasync of each MiB, bare", "\(Spread(disks).text(0)) MB/s")
        report("durable / bare, in pairs (target 0.7)", Spread(zip(rates, disks).map { $0 / $1 }).text(2))
    }

    private func rate(_ bootstrap: String, _ topic: String, _ count: Int, size: Int) async throws -> Double {
        try await makeTopic(topic, bootstrap, partitions: Int32(Self.partitions))
        let seconds = try CLoop.produce(bootstrap, topic, count, size: size)
        try await removeTopic(topic, bootstrap)
        return Double(count) / seconds
    }
}

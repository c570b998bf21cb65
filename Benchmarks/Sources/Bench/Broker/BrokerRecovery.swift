import ArgumentParser
import Foundation

/// How soon a broker that was killed is ready again, over the bytes that it has to read and check.
struct BrokerRecovery {
    let tidings: String
    let repeats: Int

    func run() async throws {
        for partitions in [1, 5] {
            // Segments are of 1 GiB, and a log's dirty tail is in the newest one.
            try await measure(partitions: partitions, gigabytes: 1)
        }
    }

    private func measure(partitions: Int, gigabytes: Double) async throws {
        try await withDirectory { directory in
            let first = try ServerProcess.broker(tidings, directory: directory)
            try await makeTopic("dirty", first.address, partitions: Int32(partitions))
            _ = try CLoop.produce(first.address, "dirty", Int(gigabytes * 1e6), size: 1000)
            first.end(by: SIGKILL)
            let files = (0..<partitions).map { "\(directory)/dirty-\($0)/00000000000000000000.log" }
            let bytes = try files.reduce(0) { sum, path in
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                return sum + ((attributes[.size] as? Int) ?? 0)
            }
            var (rates, disks): ([Double], [Double]) = ([], [])
            for repetition in 0...repeats {
                let broker = try ServerProcess.broker(tidings, directory: directory)
                broker.end(by: SIGKILL)
                let disk = try files.reduce(0) { try $0 + BareDisk.read($1) }
                if repetition == 0 { continue }
                rates.append(Double(bytes) / 1e9 / broker.readyAfter.seconds)
                disks.append(Double(bytes) / 1e9 / disk)
            }
            let what = "\(Double(bytes / 10_000_000) / 100) GB in \(partitions == 1 ? "one log" : "\(partitions) logs")"
            report("\(what), until ready (target 1)", "\(Spread(rates).text(2)) GB/s")
            report("the same read from the disk, bare", "\(Spread(disks).text(2)) GB/s")
        }
    }
}

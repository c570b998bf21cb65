import CReference
import Foundation

/// A broker with many partitions and connections that nobody uses: how soon it is ready, and what it takes.
struct BrokerIdle {
    let tidings: String
    let repeats: Int

    func run() async throws {
        try await withDirectory { directory in
            let first = try ServerProcess.broker(tidings, directory: directory)
            for number in 0..<100 { try await makeTopic("idle-\(number)", first.address, partitions: 10) }
            // A record in each, so that there is something to open.
            for number in 0..<100 {
                _ = try Wire.produce(first.address, "idle-\(number)", partitions: 10, connections: 10, samples: 10)
            }
            first.end()
            var (starts, memory, cpu): ([Double], [Double], [Double]) = ([], [], [])
            for _ in 0..<repeats {
                let broker = try ServerProcess.broker(tidings, directory: directory)
                starts.append(broker.readyAfter.seconds * 1000)
                let connections = (0..<1000).map { _ in wire_connect(broker.address) }
                try await Task.sleep(for: .seconds(1))
                let before = broker.cpuSeconds
                try await Task.sleep(for: .seconds(5))
                cpu.append((broker.cpuSeconds - before) / 5 * 100)
                memory.append(broker.residentMegabytes)
                for connection in connections where connection >= 0 { close(connection) }
                broker.end()
            }
            report("1000 partitions, ready after (target 300)", "\(Spread(starts).text(0)) ms")
            report("and 1000 connections, memory (target 150)", "\(Spread(memory).text(1)) MB")
            report("and processor time", "\(Spread(cpu).text(2)) % of one processor")
        }
    }
}

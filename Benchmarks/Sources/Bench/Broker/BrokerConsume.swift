import Foundation

/// What one consumer in C reads of records that another process has written, and what the broker could give.
struct BrokerConsume {
    let tidings: String
    let records: Int
    let repeats: Int

    func run() async throws {
        var (rates, sockets, cpu): ([Double], [Double], [Double]) = ([], [], [])
        var (copied, sent): ([Double], [Double]) = ([], [])
        try await withDirectory { directory in
            let broker = try ServerProcess.broker(tidings, directory: directory)
            defer { broker.end() }
            try await makeTopic("read", broker.address, partitions: 5)
            _ = try CLoop.produce(broker.address, "read", records, size: 100)
            for repetition in 0...repeats {
                let seconds = try CLoop.consume(broker.address, "read", records, partitions: 5)
                let before = broker.cpuSeconds
                let socket = try Wire.fetch(broker.address, "read", partitions: 5, records: records)
                let after = broker.cpuSeconds
                let file = "\(directory)/read-0/00000000000000000000.log"
                let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
                let (copying, sending) = try (
                    Wire.sending(file, isCopied: true), Wire.sending(file, isCopied: false)
                )
                if repetition == 0 { continue }
                copied.append(copying * 1e9 / Double(size))
                sent.append(sending * 1e9 / Double(size))
                rates.append(Double(records) / seconds / 1000)
                sockets.append(Double(records) / 1e4 / socket)
                cpu.append((after - before) * 1e7 / Double(records))
            }
        }
        report("100 bytes, librdkafka in C (target 2000)", "\(Spread(rates).text(0)) thousand records/s")
        report("on a socket, batches left unopened", "\(Spread(sockets).text(0)) MB/s of values")
        report("processor time of the broker for that", "\(Spread(cpu).text(2)) s a GB")
        report("a file over the loopback, pread and write", "\(Spread(copied).text(2)) s a GB, reader included")
        report("a file over the loopback, sendfile", "\(Spread(sent).text(2)) s a GB, reader included")
    }
}

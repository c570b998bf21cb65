import ArgumentParser
import Foundation
import KafkaClient
import Logging

/// The broker beside the disk it writes to: durable throughput, and the latency of one record.
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "Measure durable throughput and one-record latency beside the bare disk.")

    @Option(help: "HOST:PORT of a running Kafka; without it a `tidings broker` is started.") var kafka: String?
    @Option(help: "The tidings program to start.") var tidings = "../.build/release/tidings"
    @Option(help: "Records per throughput run.") var records = 1_000_000
    @Option(help: "Records per latency run, and syncs of the bare disk.") var samples = 2000
    @Option(help: "How often each is run.") var repeats = 3

    func run() async throws {
        try await withKafkaUnderTest(kafka, tidings: tidings) { bootstrap in
            print("Every acknowledgement (acks=all) comes after the bytes are on disk.\n")
            for size in [100, 1000] { try await throughput(size, bootstrap) }
            try await latency(bootstrap)
        }
    }

    private var logger: Logger {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        return logger
    }

    private func throughput(_ size: Int, _ bootstrap: String) async throws {
        var rates: [Double] = []
        let count = records * 100 / size
        for repetition in 0...repeats {
            let topic = "throughput-\(size)-\(repetition)"
            try await makeTopic(topic, bootstrap)
            var kafka = KafkaConfiguration(bootstrap)
            kafka.properties["linger.ms"] = "5"
            let started = ContinuousClock.now
            try await SwiftLoops.produce(kafka, topic: topic, count: count, size: size, logger)
            if repetition > 0 { rates.append(Double(count) / (ContinuousClock.now - started).seconds) }
            try await removeTopic(topic, bootstrap)
        }
        let spread = Spread(rates.map { $0 / 1000 })
        let bytes = Spread(rates.map { $0 * Double(size) / 1e6 })
        print("durable produce, \(size) bytes  \(spread.text(0)) thousand records/s, \(bytes.text(0)) MB/s")
    }

    private func latency(_ bootstrap: String) async throws {
        var (sends, syncs): ([Double], [Double]) = ([], [])
        let topic = "latency"
        try await makeTopic(topic, bootstrap, partitions: 1)
        var configuration = ProducerConfiguration(KafkaConfiguration(bootstrap))
        configuration.linger = .zero
        let producer = try Producer(configuration, logger: logger)
        let message = ProducerMessage(topic: topic, value: [UInt8](repeating: 1, count: 100))
        for _ in 0..<100 { try await producer.send(message) }
        // The bare disk is measured between the sends, since its speed changes by the minute.
        for _ in 0..<repeats {
            for _ in 0..<samples {
                let started = ContinuousClock.now
                try await producer.send(message)
                sends.append((ContinuousClock.now - started).seconds * 1e6)
            }
            syncs += try bareDisk()
        }
        try await removeTopic(topic, bootstrap)
        for (what, values) in [
            ("one record, sent to acknowledged", sends), ("append 100 bytes + fdatasync, bare", syncs),
        ] {
            let spread = Spread(values)
            print(
                "\(what.padded(36))  median \(Int(spread.median)) µs, p99 \(Int(spread.quantile(0.99))) µs "
                    + "(\(values.count) samples)")
        }
    }

    /// Appends to a file and syncs it, as the least that durability can cost here; microseconds each.
    private func bareDisk() throws -> [Double] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("tidings-bench-\(UUID())").path
        let file = open(path, O_CREAT | O_WRONLY | O_APPEND, 0o600)
        guard file >= 0 else { throw ValidationError("cannot write \(path)") }
        defer {
            close(file)
            unlink(path)
        }
        let bytes = [UInt8](repeating: 1, count: 170)  // a batch of one record of 100 bytes
        return (0..<samples).map { _ in
            let started = ContinuousClock.now
            _ = write(file, bytes, bytes.count)
            fdatasync(file)
            return (ContinuousClock.now - started).seconds * 1e6
        }
    }
}

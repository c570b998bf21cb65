import Foundation
import KafkaClient
import Logging

/// One durable record at a time, beside what it cannot do without: an append, a sync, and a round trip.
struct BrokerLatency {
    let tidings: String
    let samples: Int
    let repeats: Int

    func run() async throws {
        var (sockets, clients, appends, trips, servers): ([Double], [Double], [Double], [Double], [Double]) =
            ([], [], [], [], [])
        var shares: [Double] = []
        try await withKafkaUnderTest(nil, tidings: tidings) { bootstrap in
            let topic = "latency"
            try await makeTopic(topic, bootstrap, partitions: 1)
            _ = try Wire.produce(bootstrap, topic, partitions: 1, samples: 200)
            // In turns, since the disk's speed changes by the minute.
            for _ in 0..<repeats {
                let socket = try Wire.produce(bootstrap, topic, partitions: 1, samples: samples).micros
                let append = try await BareDisk.appends(samples)
                let trip = try Wire.roundTrips(samples)
                sockets += socket
                appends += append
                trips += trip
                shares.append(Spread(socket).median / (Spread(append).median + Spread(trip).median))
                servers += try await bareServer()
                clients += try await client(bootstrap, topic)
            }
        }
        report("one record on a socket", Spread(sockets).latency)
        report("one record through the Swift client", Spread(clients).latency)
        report("append of 170 bytes + fdatasync, bare", Spread(appends).latency)
        report("round trip over the loopback, bare", Spread(trips).latency)
        report("a thread that appends, syncs and answers", Spread(servers).latency)
        report("socket / (append + round trip) (target 1.5)", Spread(shares).text(2))
    }

    private func bareServer() async throws -> [Double] {
        try await withDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            return try Wire.roundTrips(samples, appendingTo: "\(directory)/bytes")
        }
    }

    private func client(_ bootstrap: String, _ topic: String) async throws -> [Double] {
        var logger = Logger(label: "bench")
        // The broker may end first.
        logger.logLevel = .critical
        var configuration = ProducerConfiguration(KafkaConfiguration(bootstrap))
        configuration.linger = .zero
        let producer = try Producer(configuration, logger: logger)
        let message = ProducerMessage(topic: topic, value: [UInt8](repeating: 1, count: 100))
        for _ in 0..<100 { try await producer.send(message) }
        var micros: [Double] = []
        for _ in 0..<samples {
            let started = ContinuousClock.now
            try await producer.send(message)
            micros.append((ContinuousClock.now - started).seconds * 1e6)
        }
        return micros
    }
}

/// One record at a time over each of more and more connections, which share five partitions.
struct BrokerConnections {
    let tidings: String
    let samples: Int
    let repeats: Int

    func run() async throws {
        try await withKafkaUnderTest(nil, tidings: tidings) { bootstrap in
            try await makeTopic("many", bootstrap, partitions: 5)
            for connections in [1, 10, 100] {
                let count = samples * min(connections, 10)
                _ = try Wire.produce(
                    bootstrap, "many", partitions: 5, connections: connections, samples: count / 10)
                var (rates, micros): ([Double], [Double]) = ([], [])
                for _ in 0..<repeats {
                    let run = try Wire.produce(
                        bootstrap, "many", partitions: 5, connections: connections, samples: count)
                    rates.append(Double(count) / run.seconds)
                    micros += run.micros
                }
                report("\(connections) connections", "\(Spread(rates).text(0)) records/s, \(Spread(micros).latency)")
            }
        }
    }
}

import ArgumentParser
import Foundation
import KafkaClient
import Logging

/// Swift beside C: the same records through the same librdkafka, in turns, each run in a process of its own.
struct ClientCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Produce and consume through KafkaClient and through C, in turns.")

    @Option(help: "HOST:PORT of a running Kafka, or 'mock' for librdkafka's; without it a `tidings broker` is started.")
    var kafka: String?
    @Option(help: "The tidings program to start.") var tidings = "../.build/release/tidings"
    @Option(help: "Records per run.") var records = 3_000_000
    @Option(help: "Bytes per record.") var size = 100
    @Option(help: "How often each is run.") var repeats = 9

    func run() async throws {
        try await withKafkaUnderTest(kafka, tidings: tidings) { bootstrap in
            var results: [String: [Run]] = [:]
            // One run of each first, which does not count: it makes the topic and warms the caches.
            for repetition in 0...repeats {
                let topic = kafka == "mock" ? "bench" : "bench-\(repetition)"
                if kafka != "mock" { try await makeTopic(topic, bootstrap) }
                for direction in ["produce", "consume"] {
                    // Who goes first changes with every repetition. Both read what the first of them wrote.
                    for language in repetition.isMultiple(of: 2) ? ["c", "swift"] : ["swift", "c"] {
                        let run = try loop(language, direction, bootstrap, topic)
                        if repetition > 0 { results["\(direction) \(language)", default: []].append(run) }
                    }
                }
                if kafka != "mock" { try await removeTopic(topic, bootstrap) }
                print(".", terminator: "")
                fflush(nil)
            }
            print("\n\nRecords of \(size) bytes, \(records) a run, \(repeats) runs each in turns; librdkafka alike.\n")
            report(results)
        }
    }

    private func report(_ results: [String: [Run]]) {
        for direction in ["produce", "consume"] {
            guard let c = results["\(direction) c"], let swift = results["\(direction) swift"] else { continue }
            for (language, runs) in [("C", c), ("Swift", swift)] {
                let rates = Spread(runs.map { Double(records) / $0.wall / 1000 })
                let cpu = Spread(runs.map { $0.cpu * 1e6 / Double(records) })
                print(
                    "\(direction)  \(language.padded(5))  \(rates.text(0)) thousand records/s   "
                        + "\(cpu.text(2)) µs of CPU a record")
            }
            let wall = Spread(zip(c, swift).map { $0.wall / $1.wall })
            let cpu = Spread(zip(c, swift).map { $0.cpu / $1.cpu })
            print(
                "\(direction)  Swift/C  \(wall.text(2)) by the clock, \(cpu.text(2)) by CPU (1 is equal, more is better)\n"
            )
        }
    }

    private func loop(_ language: String, _ direction: String, _ bootstrap: String, _ topic: String) throws -> Run {
        let last = direction == "produce" ? "\(size)" : "4"
        let properties = direction == "produce" ? CLoop.producing : CLoop.consuming
        let output = try runSelf(
            ["loop", language, direction, bootstrap, topic, "\(records)", last] + properties)
        let numbers = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard numbers.count == 2 else { throw ValidationError("the \(language) loop said: \(output)") }
        return Run(wall: numbers[0], cpu: numbers[1])
    }
}

struct Run {
    let wall: Double
    let cpu: Double
}

private func admin(_ bootstrap: String) throws -> Admin {
    var logger = Logger(label: "bench")
    // Some brokers end while one of these is still there.
    logger.logLevel = .critical
    return try Admin(KafkaConfiguration(bootstrap), logger: logger)
}

func makeTopic(
    _ name: String, _ bootstrap: String, partitions: Int32 = 4, configuration: [String: String] = [:]
) async throws {
    try await admin(bootstrap).createTopics([
        TopicSpecification(name, partitions: partitions, replicationFactor: 1, configuration: configuration)
    ])
}

func removeTopic(_ name: String, _ bootstrap: String) async throws {
    try await admin(bootstrap).deleteTopics([name])
}

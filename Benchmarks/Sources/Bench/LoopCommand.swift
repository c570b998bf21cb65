import ArgumentParser
import CReference
import Foundation
import KafkaClient
import Logging

/// One run of one loop in a process of its own, so that neither warms the other up.
struct LoopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loop", abstract: "Run one loop and print its seconds of wall clock and of CPU.",
        shouldDisplay: false)

    @Argument(help: "c or swift") var language: String
    @Argument(
        parsing: .captureForPassthrough, help: "produce|consume BOOTSTRAP TOPIC COUNT SIZE|PARTITIONS [NAME=VALUE …]")
    var rest: [String] = []

    func run() async throws {
        if language == "c" {
            var arguments = (["reference"] + rest).map { strdup($0) }
            defer { for argument in arguments { free(argument) } }
            let code = reference_main(Int32(arguments.count), &arguments)
            throw ExitCode(code)
        }
        guard rest.count >= 5, let count = Int(rest[3]), let last = Int(rest[4]) else {
            throw ValidationError("produce|consume BOOTSTRAP TOPIC COUNT SIZE|PARTITIONS [NAME=VALUE …]")
        }
        var kafka = KafkaConfiguration(rest[1], clientID: "bench")
        for property in rest[5...] {
            let parts = property.split(separator: "=", maxSplits: 1).map(String.init)
            kafka.properties[parts[0]] = parts[1]
        }
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        let (started, cpuBefore) = (ContinuousClock.now, cpuSeconds())
        if rest[0] == "produce" {
            try await SwiftLoops.produce(kafka, topic: rest[2], count: count, size: last, logger)
        } else {
            try await SwiftLoops.consume(kafka, topic: rest[2], count: count, partitions: last, logger)
        }
        print("\((ContinuousClock.now - started).seconds) \(cpuSeconds() - cpuBefore)")
    }
}

/// The loops a user of KafkaClient would write.
enum SwiftLoops {
    static let runLength = 5000
    static let runsUnderWay = 40

    static func produce(_ kafka: KafkaConfiguration, topic: String, count: Int, size: Int, _ logger: Logger)
        async throws
    {
        let producer = try Producer(ProducerConfiguration(kafka), logger: logger)
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        try await withThrowingTaskGroup(of: Void.self) { group in
            var underWay = 0
            for start in stride(from: 0, to: count, by: runLength) {
                if underWay == runsUnderWay {
                    try await group.next()
                    underWay -= 1
                }
                underWay += 1
                let length = min(runLength, count - start)
                group.addTask {
                    let messages = [ProducerMessage](
                        repeating: ProducerMessage(topic: topic, value: value), count: length)
                    if let error = try await producer.send(messages).firstFailure { throw error }
                }
            }
            try await group.waitForAll()
        }
    }

    static func consume(
        _ kafka: KafkaConfiguration, topic: String, count: Int, partitions: Int, _ logger: Logger
    ) async throws {
        let starts = (0..<partitions).map { (TopicPartition(topic, Int32($0)), StartOffset.beginning) }
        let consumer = try Consumer(kafka, partitions: Dictionary(uniqueKeysWithValues: starts), logger: logger)
        let running = Task { try await consumer.run() }
        var seen = 0
        var bytes = 0
        for try await batch in consumer.batches {
            for record in batch {
                bytes += record.withValue { $0.byteCount + Int($0.unsafeLoad(as: UInt8.self)) } ?? 0
            }
            seen += batch.count
            if seen >= count { break }
        }
        guard bytes > 0 else { throw ValidationError("nothing was read") }
        // The clock stops here, as it does in C: closing is not part of the loop.
        running.cancel()
    }
}

/// The seconds of CPU that this process has used.
func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

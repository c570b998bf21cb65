import ArgumentParser
import Foundation
import Logging
import Tidings

/// The outbox on each database: what a relay makes of it, what it costs the writer, how long an event takes, and how many a
/// subscription handles.
struct OutboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox", abstract: "Measure the outbox on PostgreSQL (table and log) and on SQLite.")

    enum Part: String, ExpressibleByArgument, CaseIterable {
        case drain, writer, latency, handling, behind
    }

    @Argument(
        help: """
            What to measure: drain, writer, latency, handling, which is all without it; or behind, whether a relay stays \
            fast with many events behind it.
            """)
    var parts: [Part] = [.drain, .writer, .latency, .handling]
    @Option(parsing: .upToNextOption, help: "Which outboxes to measure.") var sources = OutboxSource.allCases
    @Option(help: "HOST:PORT of a running Kafka; without it a `tidings broker` is started.") var kafka: String?
    @Option(help: "A postgres:// URL of a server with wal_level=logical; without it one is started.") var postgres:
        String?
    @Option(help: "The tidings program to start.") var tidings = "../.build/release/tidings"
    @Option(help: "Events per run.") var events = 200_000
    @Option(help: "How many events a transaction appends to the outbox that is drained.") var perTransaction = 200
    @Option(help: "At most so many events in a batch of the relay that drains.") var batch = OutboxRelayConfiguration()
        .maximumBatchCount
    @Option(help: "How many events go through the outbox to be behind it.") var behind = 10_000_000
    @Flag(help: "Keep a snapshot from before all those events open.") var oldSnapshot = false
    @Option(help: "How often each is run.") var repeats = 5
    @Option(
        parsing: .upToNextOption,
        help: """
            What a writer's transaction writes beside its event, one measurement each: a row, four rows, or an order with \
            three lines.
            """)
    var actions = WriterAction.allCases
    @Option(help: "Writers side by side.") var writers = 8

    func run() async throws {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        try await withDirectory { [logger] folder in
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try await withPostgresUnderTest(postgres) { postgres in
                try await withKafkaUnderTest(kafka, tidings: tidings) { kafka in
                    let site = OutboxSite(postgres: postgres, kafka: kafka, folder: folder, logger: logger)
                    for part in parts {
                        try await measure(part, on: site)
                        fflush(nil)
                    }
                }
            }
        }
    }

    private func measure(_ part: Part, on site: OutboxSite) async throws {
        switch part {
        case .drain:
            try await OutboxDrain(
                sources: sources, count: events, perTransaction: perTransaction, batch: batch, repeats: repeats,
                site: site
            ).run()
        case .writer:
            try await OutboxWriter(
                sources: sources, actions: actions, repeats: repeats, seconds: 2, writers: writers, site: site
            ).run()
        case .behind:
            try await OutboxBehind(
                sources: sources, count: behind, backlog: events, keepsSnapshot: oldSnapshot, site: site
            ).run()
        case .latency: try await OutboxLatency(sources: sources, rate: 1000, seconds: 11, site: site).run()
        case .handling: try await OutboxHandling(count: events / 2, repeats: repeats, site: site).run()
        }
    }
}

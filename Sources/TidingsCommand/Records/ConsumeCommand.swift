import ArgumentParser
import KafkaClient
import Tidings

/// `tidings consume`: records become lines.
struct ConsumeCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "consume",
        abstract: "Print records of topics: from any point, to the end or on and on.",
        discussion: """
            It reads what is there, from the beginning, and ends; --follow stays. It
            belongs to no group and commits nothing, unless --group says so. Where no
            broker answers at the start it ends; one that goes away later it waits for,
            and says so once on standard error.

              tidings consume order
              tidings consume order --follow --from end
              tidings consume order --from -10 --keys --offsets
              tidings consume order:0,3 --from 2026-11-27T10:00:00Z --until 10m
              tidings consume order --events
              tidings consume order --json | jq .event.data
              tidings consume order --group audit --follow

            A line is a record's value. --keys, --headers and --offsets put more in
            front, with tabs between; --events shows what is in a CloudEvents envelope:
            time, type, id, key and data; --json has all of it. On a terminal, what is
            no text is shown in hexadecimal. The records of a partition come in order,
            those of several in any.

            \(Point.help)

            \(Settings.help)

            \(Exits.help)
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var json: JSONOption

    @Argument(
        help: ArgumentHelp("The topics, or some of their partitions.", valueName: "topic[:partitions]"),
        transform: TopicSelection.read)
    var topics: [TopicSelection]

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Where to start. (default: beginning)", valueName: "point"),
        transform: Point.read)
    var from: Point?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Where to stop, instead of at the end that is there now.", valueName: "point"),
        transform: Point.read)
    var until: Point?

    @Flag(name: [.long, .short], help: "Go on with what comes, until Ctrl-C.")
    var follow = false

    @Option(name: [.long, .short], help: ArgumentHelp("Stop after so many records.", valueName: "count"))
    var max: Int?

    @Option(
        help: ArgumentHelp(
            "Read as a member of this group, from where it stands, and commit what was printed.", valueName: "name"))
    var group: String?

    @Flag(help: "Put the key in front.")
    var keys = false

    @Flag(help: "Put the headers in front.")
    var headers = false

    @Flag(help: "Put topic, partition, offset and time in front.")
    var offsets = false

    @Flag(help: "Show events in their envelope: time, type, id, key, data.")
    var events = false

    @Flag(help: "Show records of transactions that are open or were aborted, too.")
    var uncommitted = false

    func validate() throws {
        if let max, max < 1 { throw ValidationError("--max is at least 1") }
        if follow, until != nil { throw ValidationError("--follow and --until exclude each other") }
        if events, keys || headers || offsets {
            throw ValidationError("--events has the key; it excludes --keys, --headers and --offsets")
        }
        guard group != nil else { return }
        if topics.contains(where: { $0.partitions != nil }) {
            throw ValidationError("a group divides the partitions by itself: name only topics with --group")
        }
        if until != nil || !(follow || max != nil) {
            throw ValidationError("with --group say --follow or --max: where the other members are nobody knows")
        }
        if let from, ![.beginning, .end].contains(from.point) {
            throw ValidationError(
                "a new group starts at beginning or end; 'tidings groups reset' sets another point")
        }
    }

    func run(on cluster: Cluster) async throws {
        var lines = RecordLines(self)
        do {
            if let group {
                _ = try await cluster.topics(named: topics.map(\.topic))
                try await member(of: group, cluster, &lines)
            } else {
                try await reader(cluster, &lines)
            }
        } catch is OutputPipe.Closed {
            // Whoever reads has read enough.
        }
    }

    private func configuration(_ cluster: Cluster, group: String) -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(cluster.configuration, groupID: group)
        configuration.shutdownTimeout = .seconds(4)
        configuration.isolation = uncommitted ? .uncommitted : .committed
        configuration.offsetReset = from?.point == .end ? .latest : .earliest
        configuration.maximumBatchSize = Swift.min(max ?? 1000, 1000)
        return configuration
    }

    private func reader(_ cluster: Cluster, _ lines: inout RecordLines) async throws {
        let admin = cluster.admin
        let partitions = try await cluster.partitions(of: topics)
        var starts = try await admin.offsets(at: from?.point ?? .beginning, in: partitions)
        let ends = follow ? nil : try await admin.offsets(at: until?.point ?? .end, in: partitions)
        if let ends { starts = starts.filter { $0.value < ends[$0.key] ?? 0 } }
        if starts.isEmpty { return }
        var configuration = configuration(cluster, group: "tidings-consume")
        configuration.reportsEnds = true
        let watch = BrokerWatch(cluster)
        let consumer = try Consumer(
            configuration, partitions: starts.mapValues { .at($0) }, logger: watch.logger)
        let total = ends.map { ends in starts.reduce(Int64(0)) { $0 + ends[$1.key, default: 0] - $1.value } }
        let progress = Progress("reading", of: max.map(Int64.init) ?? total, unit: "records")
        defer { progress.end() }
        var open = Set(starts.keys)
        try await run(consumer, watch, &lines) { batch, lines in
            let end = ends?[batch.partition] ?? .max
            let isFull = try await lines.write(batch, upTo: end)
            // With the lines on the same terminal there is nothing more to be told.
            if !Terminal.output.isInteractive { progress.reached(lines.count) }
            if ends != nil, batch.nextOffset >= end || batch.reachesEnd { open.remove(batch.partition) }
            return !isFull && !open.isEmpty
        }
    }

    private func member(of group: String, _ cluster: Cluster, _ lines: inout RecordLines) async throws {
        let watch = BrokerWatch(cluster)
        let consumer = try Consumer(
            configuration(cluster, group: group), topics: topics.map(\.topic), logger: watch.logger)
        try await run(consumer, watch, &lines) { batch, lines in
            let isFull = try await lines.write(batch, upTo: .max)
            if let next = lines.next { try await consumer.commit([batch.partition: next]) }
            return !isFull
        }
    }

    /// Hands batches to `body` until it says that it is enough, and ends the consumer, which leaves its group.
    private func run(
        _ consumer: Consumer, _ watch: BrokerWatch, _ lines: inout RecordLines,
        _ body: (ConsumerBatch, inout RecordLines) async throws -> Bool
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await consumer.run() }
            tasks.addTask { try await watch.run() }
            for try await batch in consumer.batches {
                guard try await body(batch, &lines) else { break }
            }
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
    }
}

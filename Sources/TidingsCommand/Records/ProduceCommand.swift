import ArgumentParser
import KafkaClient
import Tidings

/// `tidings produce`: lines become records.
struct ProduceCommand: KafkaCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce",
        abstract: "Send records to a topic: lines from standard input or a file.",
        discussion: """
            Each line is a record. It is sent at once and acknowledged by all copies; a
            line that is sent twice because an answer was lost is in the topic once.
            A line that is no record ends it: those before it are sent, those behind it
            are not. How many were sent is told at the end, however it ends.

              tidings topics create greetings
              echo 'hello' | tidings produce greetings
              tidings produce order --key 42 --value '{"cents": 1}' --header source=shell
              tidings produce customer --key-separator : --tombstones < customers.txt
              tidings produce order --type order.placed --key 42 --value '{"cents": 1}'
              tidings consume order --json > order.jsonl
              tidings produce order-copy --json --file order.jsonl

            With --json a line is an object: "key" and "value" (text; or "keyBase64",
            "valueBase64"; a value that is an object becomes JSON; null or none is a
            tombstone), "headers" (an object, or a list of names and values),
            "timestamp". It is what 'tidings consume --json' prints.

            With --type the values get an envelope (CloudEvents, binary mode) with an id
            of its own each, as events that Tidings publishes have.

            \(Settings.help)

            \(Exits.help)
            """)

    @OptionGroup var kafka: KafkaOptions

    @Argument(help: "The topic's name.")
    var topic: String

    @Option(help: ArgumentHelp("Send this one value instead of lines.", valueName: "text"))
    var value: String?

    @Option(help: ArgumentHelp("Read this file instead of standard input.", valueName: "path"))
    var file: String?

    @Flag(help: "Lines are JSON objects; so is what is printed.")
    var json = false

    @Option(help: ArgumentHelp("The key of all records.", valueName: "text"))
    var key: String?

    @Option(help: ArgumentHelp("What is before this in a line is its key.", valueName: "text"))
    var keySeparator: String?

    @Option(
        name: .customLong("header"),
        help: ArgumentHelp("A header of all records. May be given several times.", valueName: "name=value"))
    var headers: [String] = []

    @Flag(help: "An empty value is a tombstone: it deletes the key from a compacted topic.")
    var tombstones = false

    @Option(help: ArgumentHelp("The type of the events: gives them an envelope.", valueName: "name"))
    var type: String?

    @Option(help: ArgumentHelp("Who sends the events, for their envelope: tidings-produce.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("The partition; otherwise the key decides.", valueName: "number"))
    var partition: Int32?

    @Flag(help: "With --json: to the partition that a line names.")
    var keepPartitions = false

    @Option(help: "Compress batches: none, gzip, snappy, lz4 or zstd.")
    var compression = CompressionName.none

    enum CompressionName: String, ExpressibleByArgument, CaseIterable, Sendable { case none, gzip, snappy, lz4, zstd }

    func validate() throws {
        if value != nil, file != nil { throw ValidationError("--value and --file exclude each other") }
        if json, key != nil || keySeparator != nil || value != nil {
            throw ValidationError("with --json each line has its key and its value")
        }
        if key != nil, keySeparator != nil { throw ValidationError("--key and --key-separator exclude each other") }
        if keySeparator?.isEmpty == true { throw ValidationError("--key-separator is not empty") }
        if json, tombstones {
            throw ValidationError("with --json a value that is null is a tombstone, without --tombstones")
        }
        if source != nil, type == nil { throw ValidationError("--source goes with --type: it is part of an envelope") }
        if keepPartitions, !json { throw ValidationError("--keep-partitions goes with --json") }
        if let wrong = headers.first(where: { !$0.contains("=") }) {
            throw ValidationError("--header takes NAME=VALUE, not '\(wrong)'")
        }
    }

    func run(on cluster: Cluster) async throws {
        let count = try await cluster.topics(named: [topic])[0].partitions.count
        if let partition, !(0..<Int32(count)).contains(partition) {
            throw CommandFailure.notThere(
                "'\(topic)' has no partition \(partition), but \(counted(count, "partition")), from 0")
        }
        let feed = try RecordFeed(self)
        var tally = Tally(topic: topic)
        let start = ContinuousClock.now
        if feed.isTyped { write("Each line is a record; Ctrl-D ends.\n", to: Terminal.errors.descriptor) }
        do {
            try await send(feed, cluster, &tally)
        } catch {
            // Where the records that were sent are all that there is to tell, they are told beside the error.
            try tell(tally, after: .now - start, on: Terminal.errors)
            throw error
        }
        try tell(tally, after: .now - start, on: Terminal.output)
    }

    private func tell(_ tally: Tally, after elapsed: Duration, on terminal: Terminal) throws {
        var tally = tally
        tally.seconds = elapsed / .seconds(1)
        if json { try printJSON(tally) } else { write(tally.words(after: elapsed) + "\n", to: terminal.descriptor) }
    }

    private func send(_ feed: RecordFeed, _ cluster: Cluster, _ tally: inout Tally) async throws {
        var configuration = ProducerConfiguration(cluster.configuration)
        configuration.deliveryTimeout = max(.seconds(30), cluster.timeout)
        configuration.compression = compression.kind
        let producer = try Producer(configuration, logger: cluster.logger)
        let progress = Progress("sending", of: feed.size, unit: feed.size == nil ? "records" : "bytes")
        defer { progress.end() }
        while let (messages, firstLine) = try await feed.next() {
            let reports = try await producer.send(messages)
            var refusal: CommandFailure?
            for (index, report) in reports.enumerated() {
                switch report {
                case .success:
                    tally.records += 1
                    tally.bytes += Int64(messages[index].value?.count ?? 0)
                case .failure(let error):
                    refusal = refusal ?? CommandFailure("\(feed.place(firstLine + index)) was not taken: \(error)")
                }
            }
            if let refusal { throw refusal }
            progress.reached(feed.size == nil ? tally.records : feed.position)
        }
    }

    private struct Tally: Encodable {
        var topic: String
        var records: Int64 = 0
        var bytes: Int64 = 0
        var seconds = 0.0

        func words(after elapsed: Duration) -> String {
            let rate =
                elapsed > Progress.patience
                ? ", \(Int64(Double(records) / (elapsed / .seconds(1))).grouped)/s" : ""
            return "\(counted(records, "record")) sent to '\(topic)' (\(bytes.bytes)\(rate))"
        }
    }
}

extension ProduceCommand.CompressionName {
    fileprivate var kind: ProducerConfiguration.Compression {
        switch self {
        case .none: .none
        case .gzip: .gzip
        case .snappy: .snappy
        case .lz4: .lz4
        case .zstd: .zstd
        }
    }
}

import ArgumentParser
import Foundation
import KafkaClient

/// What it costs to start a view, over the length of history: reading all of it, what compaction has left of it, and
/// from a snapshot.
struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Measure what the length of history costs at a view's start, in three ways.")

    @Option(help: "The tidings program to start.") var tidings = "../.build/release/tidings"
    @Option(help: "Records of the longest history.") var longest = 10_000_000
    @Option(help: "Keys among them.") var keys = 100_000
    @Option(help: "Bytes per record, of which eight are the key.") var size = 100
    @Option(help: "How often each is run.") var repeats = 3
    @Option(help: "Where to draw it, as SVG.") var plot: String?

    private static let names = ["everything kept", "compacted", "from a snapshot"]

    func run() async throws {
        var lines = Self.names.map { LinePlot.Line(name: $0, points: []) }
        print("\nReady after so many seconds, with \(keys) keys (median of \(repeats) runs):\n")
        print("| million records | \(Self.names.joined(separator: " | ")) |\n|--:|--:|--:|--:|")
        let properties = ["log.cleaner.backoff.ms=200"]
        try await withKafkaUnderTest(nil, tidings: tidings, properties: properties) { bootstrap in
            let (kept, compacted) = ("kept", "compacted")
            try await makeTopic(kept, bootstrap)
            let compact = [
                "cleanup.policy": "compact", "segment.bytes": "4194304", "min.cleanable.dirty.ratio": "0.01",
            ]
            try await makeTopic(compacted, bootstrap, configuration: compact)
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("tidings-bench-\(UUID()).view")
            defer { try? FileManager.default.removeItem(at: file) }
            var written = 0
            for length in Self.lengths(longest) {
                for topic in [kept, compacted] {
                    try await History.write(
                        written..<length, keys: keys, size: size, to: topic, bootstrap, ViewCommand.logger)
                }
                written = length
                let snapshot = ["fold", "latest", bootstrap, kept, "--snapshot", file.path]
                _ = try Fold(snapshot)
                try await settle(compacted, bootstrap)
                let ways = [
                    ["fold", "latest", bootstrap, kept], ["fold", "latest", bootstrap, compacted], snapshot,
                ]
                let seconds = try ways.map { way in Spread(try (0..<repeats).map { _ in try Fold(way).wall }).median }
                for (index, value) in seconds.enumerated() {
                    lines[index].points.append((Double(length) / 1e6, value))
                }
                print(
                    "| \(Double(length) / 1e6) | "
                        + seconds.map { String(format: "%.2f", $0) }.joined(separator: " | ") + " |")
            }
        }
        guard let plot else { return }
        let picture = LinePlot(
            title: "Seconds until a view is ready, over millions of records of history", lines: lines)
        try picture.svg.write(toFile: plot, atomically: true, encoding: .utf8)
    }

    private static func lengths(_ longest: Int) -> [Int] {
        [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1].map { Int(Double(longest) * $0) }
    }

    /// Returns when compaction has done what it can: two readings in a row find the same number of records.
    private func settle(_ topic: String, _ bootstrap: String) async throws {
        var before = -1
        while true {
            let now = try Fold(["fold", "tally", bootstrap, topic]).records
            if now == before { return }
            before = now
            try await Task.sleep(for: .seconds(1))
        }
    }
}

import ArgumentParser
import Foundation
import KafkaClient
import Logging

/// Views beside a bare loop in C: how fast they fold, what a key takes, and how soon a snapshot is there again.
struct ViewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "view", abstract: "Fold history into views beside a loop in C, and from a snapshot.")

    @Option(help: "The tidings program to start.") var tidings = "../.build/release/tidings"
    @Option(help: "Records of history.") var records = 10_000_000
    @Option(help: "Keys among them.") var keys = 1_000_000
    @Option(help: "Bytes per record, of which eight are the key.") var size = 100
    @Option(help: "How often each is run.") var repeats = 5

    private static let consuming = [
        "group.id=bench", "queued.min.messages=100000", "queued.max.messages.kbytes=65536",
        "enable.auto.commit=false", "enable.auto.offset.store=false", "client.id=bench",
    ]
    private var topic: String { "history" }

    func run() async throws {
        try await withKafkaUnderTest(nil, tidings: tidings) { bootstrap in
            try await makeTopic(topic, bootstrap)
            try await History.write(0..<records, keys: keys, size: size, to: topic, bootstrap, Self.logger)
            try besideC(bootstrap)
            try fromSnapshot(bootstrap)
        }
    }

    static var logger: Logger {
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        return logger
    }

    /// One run of each in turns; the first of each does not count.
    private func besideC(_ bootstrap: String) throws {
        var loops: [Run] = []
        var folds: [String: [Fold]] = [:]
        for repetition in 0...repeats {
            let output = try runSelf(
                ["loop", "c", "consume", bootstrap, topic, "\(records)", "4"] + Self.consuming)
            let numbers = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
            guard numbers.count == 2 else { throw ValidationError("the C loop said: \(output)") }
            let pair = try ["tally", "latest"].map { ($0, try Fold(["fold", $0, bootstrap, topic])) }
            if repetition == 0 { continue }
            loops.append(Run(wall: numbers[0], cpu: numbers[1]))
            for (kept, fold) in pair { folds[kept, default: []].append(fold) }
        }
        print("\(records) records of \(size) bytes, \(keys) keys, \(repeats) runs each in turns.\n")
        print("bare loop in C           \(rates(loops.map(\.wall))) thousand records/s")
        for (kept, runs) in folds.sorted(by: { $0.key > $1.key }) {
            let share = Spread(zip(runs, loops).map { $1.wall / $0.wall })
            let cpu = Spread(zip(runs, loops).map { $1.cpu / $0.cpu })
            let memory = Spread(runs.map { Double($0.bytes) / Double($0.keys) })
            print(
                "a view, \(kept.padded(16)) \(rates(runs.map(\.wall))) thousand records/s, "
                    + "\(share.text(2)) of C by the clock, \(cpu.text(2)) by CPU; "
                    + "\(memory.text(0)) bytes of memory a key")
        }
    }

    private func rates(_ seconds: [Double]) -> String {
        Spread(seconds.map { Double(records) / $0 / 1000 }).text(0)
    }

    private func fromSnapshot(_ bootstrap: String) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("tidings-bench-\(UUID()).view")
        defer { try? FileManager.default.removeItem(at: file) }
        let arguments = ["fold", "latest", bootstrap, topic, "--snapshot", file.path]
        _ = try Fold(arguments)
        let size = (try? FileManager.default.attributesOfItem(atPath: file.path)[.size] as? Int) ?? 0
        let runs = try (0..<repeats).map { _ in try Fold(arguments) }
        guard runs.allSatisfy({ $0.records == 0 && $0.keys == keys }) else {
            throw ValidationError("the snapshot did not hold everything")
        }
        print(
            "from its snapshot        ready after \(Spread(runs.map(\.wall)).text(2)) s, "
                + "\(Spread(runs.map(\.cpu)).text(2)) s of CPU, with \(keys) keys; the file has \(size / 1_000_000) MB")
    }
}

/// One run of `bench fold`.
struct Fold {
    let wall: Double
    let cpu: Double
    let records: Int
    let keys: Int
    let bytes: Int

    init(_ arguments: [String]) throws {
        let output = try runSelf(arguments)
        let numbers = output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        guard numbers.count == 5 else { throw ValidationError("\(arguments) said: \(output)") }
        (wall, cpu) = (numbers[0], numbers[1])
        (records, keys, bytes) = (Int(numbers[2]), Int(numbers[3]), Int(numbers[4]))
    }
}

import ArgumentParser
import FoundationEssentials
import Glibc
import TidingsAudit
import TidingsCompare
import UnixSignals

/// `tidings compare`: measures the three ways of sending side by side, and shows what they lose and invent.
struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Measure the ways of sending side by side, on your machine.",
        discussion: """
            The same actions, each with an event, are done three times over: sent after
            the action, before it, and through the outbox. Measured are how long the
            caller waits, when a consumer has the event, how much goes through, and what
            it costs; and what becomes of it all when Kafka is away for ten seconds. It
            takes about two minutes.

              tidings compare
              tidings compare --faults --html report.html
              tidings compare --kafka kafka:9092 --database postgres://me@db/scratch --json figures.json

            Without --kafka it starts a broker of its own, without --database it uses
            SQLite files, all in a folder that is named at the end: beside the page, if
            there is one, whose links lead into it. What the settings say
            of a Kafka is for the other commands: this one puts load only on what it is
            told to. In a PostgreSQL database it makes schemas of its own and drops them.

            --faults kills the publisher, the relay, the handler and the broker (kill -9)
            at every step and at random moments, makes actions fail, takes the database
            and Kafka away, and counts what was lost, invented, doubled and reordered.
            Every number leads to a history on disk.

            EXIT CODES
              0    done
              1    it could not be carried out, or a promise was not kept
              64   the arguments are wrong
              130  broken off
            """)

    @Option(help: ArgumentHelp("Actions in a second.", valueName: "count"))
    var rate = Workload().rate

    @Option(help: ArgumentHelp("The size of an event.", valueName: "bytes"))
    var eventSize = Workload().eventSize

    @Option(help: ArgumentHelp("How many keys the events have.", valueName: "count"))
    var keys = Workload().keys

    @Option(help: ArgumentHelp("How long each run goes on at that rate.", valueName: "seconds"))
    var duration = Workload().duration

    @Option(help: ArgumentHelp("How long each run then goes on as fast as it can.", valueName: "seconds"))
    var saturation = Workload().saturation

    @Option(help: ArgumentHelp("How long Kafka is taken away; 0 leaves it there.", valueName: "seconds"))
    var outage = Workload().outage

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("For how long the outbox's relay gathers events, one run each.", valueName: "milliseconds"))
    var gathering = [0.0, 2, 10, 50, 200]

    @Option(help: ArgumentHelp("How often each way is measured.", valueName: "count"))
    var repeats = Workload().repeats

    @Option(help: ArgumentHelp("A Kafka of yours; it is not taken away then.", valueName: "host:port,…"))
    var kafka: String?

    @Option(
        name: [.customShort("X")],
        help: ArgumentHelp("A property of librdkafka, such as security.protocol=ssl.", valueName: "name=value"))
    var properties: [String] = []

    @Option(help: ArgumentHelp("A PostgreSQL database of yours, postgres://USER@HOST/NAME.", valueName: "url"))
    var database: String?

    @Flag(help: "Kill processes at every step, too; a minute or two more.")
    var faults = false

    @Flag(help: "Only that.")
    var onlyFaults = false

    @Option(help: ArgumentHelp("Write all figures as JSON; - for standard output.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write a page with plots that needs nothing else.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("Where histories and logs go; made if missing.", valueName: "dir"))
    var folder: String?

    func validate() throws {
        guard rate > 0, keys > 0, repeats > 0, duration > 0, eventSize > 0 else {
            throw ValidationError("--rate, --keys, --repeats, --duration and --event-size are above zero")
        }
        guard saturation >= 0, outage >= 0, gathering.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError("--saturation, --outage and --gathering are not below zero")
        }
        if let database, !database.hasPrefix("postgres://"), !database.hasPrefix("postgresql://") {
            throw ValidationError("--database takes a postgres:// URL; without it SQLite is used")
        }
        if let property = properties.first(where: { !$0.contains("=") }) {
            throw ValidationError("-X takes NAME=VALUE, not '\(property)'")
        }
    }

    func run() async throws {
        // Before two minutes are spent on what could not be kept.
        for file in [json, html].compactMap(\.self) where file != "-" { try checkWritable(file) }
        let folder = try makeFolder()
        SubjectKafka.set(properties)
        let comparison: Comparison
        do {
            comparison = try await untilSignal { try await comparer(in: folder).run(ProgressLine().show) }
            ProgressLine().clear()
        } catch {
            ProgressLine().clear()
            if error is CancellationError { throw ExitCode(130) }
            write("tidings compare: \(error)\nWhat there is of logs and histories is in \(folder)\n", to: STDERR_FILENO)
            throw ExitCode.failure
        }
        try report(comparison)
        tidy(folder, comparison)
        if comparison.faults?.failures.isEmpty == false { throw ExitCode.failure }
    }

    private func comparer(in folder: String) -> Comparer {
        var workload = Workload()
        (workload.rate, workload.eventSize, workload.keys) = (rate, eventSize, keys)
        (workload.duration, workload.repeats) = (duration, repeats)
        (workload.saturation, workload.outage) = (saturation, outage)
        var comparer = Comparer(program: ["/proc/self/exe", "subject"], folder: folder)
        comparer.workload = workload
        comparer.kafka = kafka
        if let database { comparer.database = .postgres(database) }
        comparer.gatherings = gathering
        comparer.measures = !onlyFaults
        comparer.triesFaults = faults || onlyFaults
        return comparer
    }

    private func report(_ comparison: Comparison) throws {
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(comparison), as: UTF8.self) + "\n"
            if json == "-" { write(text, to: STDOUT_FILENO) } else { try save(text, to: json) }
        }
        if json != "-" { write(TextReport(comparison, width: 100).text, to: STDOUT_FILENO) }
        if let html { try save(HTMLReport(comparison, in: directory(of: html)).page, to: html) }
    }

    private func checkWritable(_ file: String) throws {
        let isNew = access(file, F_OK) != 0
        let descriptor = open(file, O_WRONLY | O_CREAT, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure("cannot write \(file): \(String(cString: strerror(errno))); nothing was measured")
        }
        close(descriptor)
        if isNew { unlink(file) }
    }

    private func save(_ text: String, to file: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: file))
        } catch {
            write("tidings compare: cannot write \(file): \(error)\n", to: STDERR_FILENO)
            throw ExitCode.failure
        }
    }

    // MARK: The folder

    private func makeFolder() throws -> String {
        let folder = folder ?? html.map(folderBeside) ?? "/tmp/tidings-compare-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return URL(filePath: folder).resolvingSymlinksInPath().path
    }

    /// A new folder beside a page, so that the page's links travel with it: `report.html` has `report-histories`.
    private func folderBeside(_ page: String) -> String {
        let name = URL(filePath: page).deletingPathExtension().lastPathComponent
        let path = "\(directory(of: page))/\(name)-histories"
        // What an earlier comparison has left there is not ours to judge, or to remove.
        var (free, number) = (path, 1)
        while access(free, F_OK) == 0 {
            number += 1
            free = "\(path)-\(number)"
        }
        return free
    }

    private func directory(of file: String) -> String {
        URL(filePath: file).deletingLastPathComponent().resolvingSymlinksInPath().path
    }

    /// Removes what no figure can be traced to.
    private func tidy(_ folder: String, _ comparison: Comparison) {
        var parts = ["runs", "broker", "faults/shared"]
        if comparison.faults?.failures.isEmpty == true {
            // The trials' databases and logs are of use only where something is not as promised.
            let trials = try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/faults")
            parts += (trials ?? []).filter { $0 != "histories" }.map { "faults/\($0)" }
        }
        for part in parts { try? FileManager.default.removeItem(atPath: "\(folder)/\(part)") }
        if comparison.outage == nil, comparison.faults == nil {
            try? FileManager.default.removeItem(atPath: folder)
        } else if json != "-" {
            printLine("(The histories behind these numbers are in \(folder))")
        }
    }
}

/// Runs `body` until it is done or a signal asks to stop; then everything it started is ended.
private func untilSignal<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) async throws -> R {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    return try await withThrowingTaskGroup(of: R?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            for await _ in signals { break }
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else { throw CancellationError() }
        return result
    }
}

/// One line on a terminal that is overwritten; elsewhere nothing.
private struct ProgressLine: Sendable {
    private var isShown: Bool { isatty(STDERR_FILENO) == 1 }

    @Sendable func show(_ progress: Comparer.Progress) {
        guard isShown else { return }
        let done = Int(progress.fraction * 30)
        let bar = String(repeating: "█", count: done) + String(repeating: "░", count: 30 - done)
        write("\r\u{1B}[K\(bar) \(Int(progress.fraction * 100)) %  \(progress.doing)", to: STDERR_FILENO)
    }

    func clear() {
        if isShown { write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}

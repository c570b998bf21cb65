import ArgumentParser
import FoundationEssentials
import Glibc
import KafkaClient
import TidingsAudit
import TidingsCompare

/// `tidings compare`: measures the three ways of sending side by side, and shows what they lose and invent.
struct CompareCommand: ToolCommand {
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
              tidings compare --kafka kafka:9092 --database postgres://me@db/scratch \\
                --json figures.json

            Without --kafka it starts a broker of its own, without --database it uses
            SQLite files, all in a folder that is named at the end: beside the page, if
            there is one, whose links lead into it. What the settings say
            of a Kafka is for the other commands: this one puts load only on what it is
            told to. In a PostgreSQL database it makes schemas of its own and drops them.

            --faults kills the publisher, the relay, the handler and the broker (kill -9)
            at every step and at random moments, makes actions fail, takes the database
            and Kafka away, and counts what was lost, invented, doubled and reordered.
            Every number leads to a history on disk.

            On a terminal a bar shows how far it is, elsewhere a line for whatever begins.
            Ctrl-C ends it, and all that it has started, and removes what it has made.

            EXIT CODES
              0    done
              1    it could not be carried out, or a promise was not kept
              64   the arguments are wrong
              130  ended by Ctrl-C, after cleaning up; 143 by SIGTERM
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
        help: ArgumentHelp(
            "For how long the outbox's relay gathers events, one run each; whole milliseconds.",
            valueName: "milliseconds"),
        transform: { text in
            guard let number = Int(text) else { throw ValidationError("--gathering takes whole milliseconds") }
            return number
        })
    var gathering = [0, 2, 10, 50, 200]

    @Option(help: ArgumentHelp("How often each way is measured.", valueName: "count"))
    var repeats = Workload().repeats

    @Option(help: ArgumentHelp("A Kafka of yours; it is not taken away then.", valueName: "host:port,…"))
    var kafka: String?

    @Option(
        name: [.customShort("X")],
        help: ArgumentHelp("A property of librdkafka, such as security.protocol=ssl.", valueName: "name=value"))
    var properties: [String] = []

    @Option(
        help: ArgumentHelp(
            "A PostgreSQL database of yours, postgres://USER@HOST/NAME. A password in it shows in the list of processes.",
            valueName: "url"))
    var database: String?

    @Flag(help: "Kill processes at every step, too; a minute or two more.")
    var faults = false

    @Flag(help: "Only that: no figures, whatever else is said of the load.")
    var onlyFaults = false

    @Option(help: ArgumentHelp("Write all figures as JSON; - for standard output.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write a page with plots that needs nothing else.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("Where histories and logs go: an empty folder, or a new one.", valueName: "dir"))
    var folder: String?

    func validate() throws {
        guard rate > 0, keys > 0, repeats > 0, duration > 0 else {
            throw ValidationError("--rate, --keys, --repeats and --duration are above zero")
        }
        guard saturation >= 0, outage >= 0, gathering.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError("--saturation, --outage and --gathering are not below zero")
        }
        guard [duration, saturation, outage].allSatisfy({ $0 <= 86_400 }) else {
            throw ValidationError("--duration, --saturation and --outage are a day at most")
        }
        guard Double(rate) * duration >= 1 else {
            throw ValidationError("--rate and --duration make no action together: let one of them be larger")
        }
        guard Workload.eventSizes.contains(eventSize) else {
            let sizes = Workload.eventSizes
            throw ValidationError("--event-size is from \(sizes.lowerBound) to \(sizes.upperBound) bytes")
        }
        guard Set(gathering).count == gathering.count else {
            throw ValidationError("--gathering takes each time once")
        }
        if let database, !database.hasPrefix("postgres://"), !database.hasPrefix("postgresql://") {
            throw ValidationError("--database takes a postgres:// URL; without it SQLite is used")
        }
        if let kafka { try KafkaOptions.check(kafka, "--kafka") }
        if let json, json == html { throw ValidationError("--json and --html cannot be the same file") }
        if let property = properties.first(where: { !$0.contains("=") }) {
            throw ValidationError("-X takes NAME=VALUE, not '\(property)'")
        }
        if kafka == nil, !properties.isEmpty {
            throw ValidationError("-X goes with --kafka: it is for a Kafka of yours")
        }
    }

    func perform() async throws {
        // Before two minutes are spent on what could not be kept.
        if html == "-" { throw ValidationError("--html takes a file's name: the page has a folder beside it") }
        for file in [json, html].compactMap(\.self) where file != "-" { try checkWritable(file) }
        SubjectKafka.set(properties)
        try await checkServers()
        let folder = try makeFolder()
        let progress = CompareProgress()
        progress.begin("histories and logs are in \(folder) meanwhile")
        let comparison: Comparison
        do {
            comparison = try await comparer(in: folder).run { progress.show($0.fraction, $0.doing) }
            progress.clear()
        } catch {
            progress.clear()
            guard Task.isCancelled else {
                let failure = CommandFailure(error)
                throw CommandFailure(
                    "\(failure)\nWhat there is of logs and histories is in \(folder)", exitCode: failure.exitCode)
            }
            breakOff(folder)
            throw error
        }
        try report(comparison)
        tidy(folder, comparison)
        if !comparison.failures.isEmpty { throw ExitCode.failure }
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
        let width = Terminal.output.isInteractive ? min(100, Terminal.output.width) : 100
        if json != "-" { write(TextReport(comparison, width: width).text, to: STDOUT_FILENO) }
        if let html { try save(HTMLReport(comparison, in: directory(of: html)).page, to: html) }
    }

    private func checkServers() async throws {
        if let kafka {
            _ = try await Cluster.reach(
                kafka, properties: SubjectKafka.at(kafka).properties, timeout: .seconds(10))
        }
        if let database { try await DatabaseOption.reachPostgres(database) }
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
            throw CommandFailure("cannot write \(file): \(error)")
        }
    }

    // MARK: The folder

    private func makeFolder() throws -> String {
        guard let folder = folder ?? html.map(folderBeside) else {
            // A name that nobody else can have taken.
            var template = "/tmp/tidings-compare-XXXXXX".utf8CString.map(\.self)
            guard let made = mkdtemp(&template) else {
                throw CommandFailure("cannot make a folder in /tmp: \(String(cString: strerror(errno)))")
            }
            return String(cString: made)
        }
        // What is in it at the end is all ours, to keep or to remove.
        if let content = try? FileManager.default.contentsOfDirectory(atPath: folder), !content.isEmpty {
            throw CommandFailure("the folder \(folder) is not empty: name one that is, or that is not there yet")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            let reason = access(folder, F_OK) == 0 ? "it is no folder" : String(cString: strerror(errno))
            throw CommandFailure("cannot make the folder \(folder): \(reason)")
        }
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

    /// Says what is left after a signal: nothing, unless it was to be in a folder of the user's.
    private func breakOff(_ made: String) {
        if folder == nil { try? FileManager.default.removeItem(atPath: made) }
        let rest = folder == nil ? "its folder is removed" : "what there is of logs and histories is in \(made)"
        write("tidings: broken off; all that it started has ended, and \(rest)\n", to: STDERR_FILENO)
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
            rmdir(folder)
        } else if json != "-" {
            printLine("(The histories behind these numbers are in \(folder))")
        }
    }
}

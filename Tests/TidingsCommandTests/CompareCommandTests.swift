import Foundation
import Logging
import Processes
import Testing
import TidingsPostgres

@Suite("tidings compare", .timeLimit(.minutes(5)))
struct CompareCommandTests {
    @Test("in a database of the user's it leaves nothing behind")
    func postgres() async throws {
        let folder = "/tmp/\(uniqueName("comparison"))"
        try await withPostgresDatabase { url in
            let process = try ChildProcess(
                Programs.tidings,
                [
                    "compare", "--folder", folder, "--database", url, "--rate", "100", "--duration", "0.3",
                    "--saturation", "0.2",
                    "--repeats",
                    "1", "--outage", "0", "--gathering", "0", "--json", "-",
                ])
            #expect(try await process.waitForExit(within: .seconds(120)) == 0, "\(process.errors)")
            #expect(process.lines.contains { $0.contains("\"database\" : \"PostgreSQL\"") })
            #expect(try await schemas(url) == 0)
            // No history stands behind these figures.
            #expect(!FileManager.default.fileExists(atPath: folder))
        }
    }

    @Test("from a Kafka of the user's the services are cut off, which others do not notice, and nothing is left behind")
    func kafka() async throws {
        struct Told: Decodable {
            struct Outage: Decodable {
                struct Row: Decodable {
                    var way: String
                    var refused: Int
                    var lost: Int
                    var latest: Double?
                }
                var killsBroker: Bool
                var rows: [Row]
            }
            var outage: Outage
        }
        try await withKafka { kafka in
            let groups = try await groups(kafka)
            try await withTemporaryFolder { folder in
                let result = try await Tool.run([
                    "compare", "--folder", "\(folder)/histories", "--kafka", kafka, "--rate", "100", "--duration",
                    "0.3",
                    "--saturation", "0", "--repeats", "1", "--outage", "4", "--gathering", "0",
                    "--json", "-",
                ])
                #expect(result.code == 0, "\(result.errors)")
                let outage = try JSONDecoder().decode(Told.self, from: Data(result.text.utf8)).outage
                let rows = Dictionary(uniqueKeysWithValues: outage.rows.map { ($0.way, $0) })
                #expect(!outage.killsBroker && rows.count == 3)
                // As with a broker that is away: one way loses, one refuses, and the outbox is late.
                #expect(try #require(rows["after"]).lost > 0 && #require(rows["before"]).refused > 0)
                let outbox = try #require(rows["outbox"])
                #expect(outbox.lost == 0 && outbox.refused == 0 && (outbox.latest ?? 0) > 1000)
                #expect(try await topics(kafka).allSatisfy { !$0.hasPrefix("outage-") && !$0.hasPrefix("compare-") })
                #expect(try await self.groups(kafka) == groups)
            }
        }
    }

    @Test("a folder in which there is something already is refused and left as it is")
    func fullFolder() async throws {
        try await withTemporaryFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/runs", withIntermediateDirectories: true)
            try "mine".write(toFile: "\(folder)/runs/file", atomically: true, encoding: .utf8)
            let result = try await Tool.run(["compare", "--folder", folder, "--outage", "0"])
            #expect(result.code == 1 && result.errors.contains("is not empty: name one that is"), "\(result.errors)")
            #expect(try String(contentsOfFile: "\(folder)/runs/file", encoding: .utf8) == "mine")
        }
    }

    @Test("broken off, it ends its broker and its services, and says so with its code")
    func brokenOff() async throws {
        try await withTemporaryFolder { folder in
            let process = try ChildProcess(Programs.tidings, ["compare", "--folder", "\(folder)/comparison"])
            try await eventually("a service at work") {
                FileManager.default.fileExists(atPath: "\(folder)/comparison/runs/after-1/service.log")
            }
            process.signal(SIGINT)
            #expect(try await process.waitForExit() == 130, "\(process.errors)")
            #expect(process.errors.contains("broken off"))
            try await eventually("nobody is left") { try !isAnybody(in: "\(folder)/comparison") }
        }
    }

    @Test("broken off at the user's own servers, it leaves nothing there, and no folder of its own")
    func brokenOffElsewhere() async throws {
        try await withKafka { kafka in
            try await withPostgresDatabase { url in
                let process = try ChildProcess(
                    Programs.tidings, ["compare", "--kafka", kafka, "--database", url, "--duration", "60"])
                try await eventually("a run at work") {
                    guard try await topics(kafka).contains(where: { $0.hasPrefix("compare-after-1") }) else {
                        return false
                    }
                    return try await schemas(url) > 0
                }
                process.signal(SIGTERM)
                #expect(try await process.waitForExit() == 143, "\(process.errors)")
                #expect(try await !topics(kafka).contains { $0.hasPrefix("compare-") })
                #expect(try await schemas(url) == 0)
                let folder = try #require(process.errors.split(separator: " ").first { $0.hasPrefix("/tmp/tidings-") })
                #expect(!FileManager.default.fileExists(atPath: String(folder)))
                try await eventually("the message") {
                    process.errors.contains("broken off; all that it started has ended")
                }
            }
        }
    }

    @Test("servers that do not answer are told before anything is measured")
    func nobodyThere() async throws {
        let port = try freePorts(1)
        let kafka = try await Tool.run(["compare", "--kafka", "127.0.0.1:\(port)"])
        #expect(kafka.code == 1 && kafka.errors.contains("no broker answers at 127.0.0.1:\(port)"))
        let database = try await Tool.run(["compare", "--database", "postgres://me:geheim@127.0.0.1:\(port)/x"])
        #expect(database.code == 1 && database.errors.contains("cannot use postgres://me:***@127.0.0.1:\(port)/x"))
    }

    private func groups(_ kafka: String) async throws -> Set<String> {
        Set(try await Shell(kafka: kafka).json("groups", "list").compactMap { $0["group"] as? String })
    }

    private func topics(_ kafka: String) async throws -> [String] {
        try await Shell(kafka: kafka).json("topics", "list").compactMap { $0["topic"] as? String }
    }

    /// How many schemas of a comparison are in a database.
    private func schemas(_ url: String) async throws -> Int {
        let pool = PostgresPool(PostgresConfiguration(url), logger: Logger(label: "test"))
        defer { pool.close() }
        return try await pool.transaction { db -> Int in
            try db.query("select count(*) from pg_namespace where nspname like 'tidings%'")[0][0]
        }
    }

    /// Whether a process has this folder on its command line.
    private func isAnybody(in folder: String) throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").contains { entry in
            guard Int(entry) != nil, let line = FileManager.default.contents(atPath: "/proc/\(entry)/cmdline") else {
                return false
            }
            return String(decoding: line, as: UTF8.self).contains(folder)
        }
    }

    @Test(
        "arguments that make no sense are refused",
        arguments: [
            (["--rate", "0"], "above zero"), (["--database", "file.sqlite"], "takes a postgres:// URL"),
            (["-X", "a"], "NAME=VALUE"), (["--gathering", "0", "0.5", "2.9"], "--gathering takes whole milliseconds"),
            (["--gathering", "0", "2", "0"], "--gathering takes each time once"),
            (["--duration", "inf"], "a day at most"), (["--event-size", "1"], "from 50 to 900000 bytes"),
            (["--rate", "1", "--duration", "0.5"], "no action together"), (["-X", "a=b"], "goes with --kafka"),
            (["--kafka", "kafka:99999"], "not HOST:PORT"), (["--json", "x", "--html", "x"], "the same file"),
        ])
    func nonsense(_ arguments: [String], _ words: String) async throws {
        let result = try await Tool.run(["compare"] + arguments)
        #expect(result.code == 64 && result.errors.contains(words), "\(result.errors)")
    }
}

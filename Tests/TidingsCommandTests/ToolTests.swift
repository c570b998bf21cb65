import Foundation
import KafkaClient
import Processes
import Synchronization
import Testing
import Tidings

@testable import TidingsCommand

@Suite("tidings", .timeLimit(.minutes(2)))
struct ToolTests {
    @Test(
        "a broker that refuses is told within the timeout, with its address, the reason and what to do",
        arguments: [[], ["--timeout", "1"]])
    func nobodyThere(_ timeout: [String]) async throws {
        let port = try freePorts(1)
        let result = try await Tool.run(["topics", "list", "--kafka", "127.0.0.1:\(port)"] + timeout)
        #expect(result.code == 1)
        #expect(result.lines.isEmpty)
        let reason = "(Connect to ipv4#127.0.0.1:\(port) failed: Connection refused)"
        for words in ["no broker answers at 127.0.0.1:\(port) \(reason)\n", "tidings broker", "--kafka"] {
            #expect(result.errors.contains(words), "\(result.errors)")
        }
    }

    @Test("brokers that refuse are given up long before one that says nothing, unless somebody says how long to wait")
    func refusing() async throws {
        let address = "127.0.0.1:\(try freePorts(1))"
        await #expect(throws: CommandFailure.self) {
            try await Cluster.reach(address, properties: [:], timeout: .seconds(3600))
        }
    }

    @Test("a broker says in JSON, too, where it is ready")
    func readyInJSON() async throws {
        try await withTemporaryFolder { folder in
            let broker = try ChildProcess(
                Programs.tidings, ["broker", "--listen", "127.0.0.1:0", "--data-dir", folder, "--json"])
            let line = "{" + (try await broker.waitForLine(startingWith: "{"))
            let ready = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
            #expect(try await Tool.run(["topics", "list", "--kafka", #require(ready["ready"])]).code == 0)
            broker.signal(SIGTERM)
            #expect(try await broker.waitForExit() == 0)
        }
    }

    @Test(
        "help shows examples, settings and exit codes", arguments: ["topics", "produce", "consume", "groups", "config"])
    func help(_ command: String) async throws {
        let help = try await Tool.run([command, "--help"])
        #expect(help.code == 0)
        for words in ["tidings \(command)", "EXIT CODES", "TIDINGS_KAFKA"] {
            #expect(help.text.contains(words), "\(words)")
        }
    }

    @Test("completion is made for the shells, and the help says how", arguments: ["bash", "zsh", "fish"])
    func completion(_ shell: String) async throws {
        let script = try await Tool.run(["--generate-completion-script", shell])
        #expect(script.code == 0)
        #expect(script.text.contains("consume"))
        if shell == "bash" {
            let bash = try ChildProcess("/bin/bash", ["-n"])
            try bash.send(script.text)
            #expect(try await bash.waitForExit() == 0, "\(bash.errors)")
        }
        #expect(try await Tool.run(["--help"]).text.contains("--generate-completion-script \(shell)"))
    }

    @Test(
        "what the arguments lack is told with the command's own usage, and exit code 64",
        arguments: [
            (["outbox", "status"], "name the service's database: --database"),
            (["deadletters", "list", "--database", ""], "name the service's database: --database"),
            (["topics", "list", "--kafka", ""], "--kafka names no broker: write HOST:PORT"),
            (["topics", "list", "--kafka", "http://kafka:9092"], "--kafka takes HOST:PORT"),
            (["consume", "order", "--from", "tomorrow"], "write beginning, end, an offset"),
            (["consume", "order:x"], "order:0,3"),
            (["groups", "reset", "g", "--topic", "order", "--by-duration", "soon"], "30s, 10m, 2h or 3d"),
            (["groups", "reset", "g", "--topic", "order", "--to-datetime", "soon"], "2026-11-27T10:00:00Z"),
            (["broker", "--data-dir", "data", "--listen", "nowhere"], "127.0.0.1:9092"),
        ])
    func usage(_ arguments: [String], _ words: String) async throws {
        let result = try await Tool.run(arguments)
        #expect(result.code == 64)
        #expect(result.lines.isEmpty)
        #expect(result.errors.contains(words), "\(result.errors)")
        let command = arguments.prefix { ["outbox", "topics", "groups", "deadletters"].contains($0) }.count
        let path = (["tidings"] + arguments.prefix(command + 1)).joined(separator: " ")
        #expect(result.errors.contains("Usage: \(path) "), "\(result.errors)")
        #expect(result.errors.contains("See '\(path) --help'"), "\(result.errors)")
    }

    @Test(
        "a command that is not there is answered with the nearest, or with all",
        arguments: [
            (["topics", "lst"], "'tidings topics' has no command 'lst'. Did you mean 'list'?"),
            (["topcs", "list"], "'tidings' has no command 'topcs'. Did you mean 'topics'?"),
            (["help", "nonsense"], "'tidings' has no command 'nonsense'. There are: "),
            (
                ["outbox", "drain"],
                "'tidings outbox' has no command 'drain'. There are: status, list, show, retry, skip."
            ),
        ])
    func unknownCommand(_ arguments: [String], _ words: String) async throws {
        let result = try await Tool.run(arguments)
        #expect(result.code == 64)
        #expect(result.lines.isEmpty)
        #expect(result.errors.contains(words), "\(result.errors)")
        #expect(!result.errors.contains("subject"))
    }

    @Test("colours are for terminals, and NO_COLOR takes them away")
    func colours() async throws {
        let escape = "\u{1B}["
        #expect(try await !Tool.run(["config"]).text.contains(escape))
        let coloured = try await Tool.onTerminal(["config"])
        #expect(coloured.contains(escape + "1mSETTING"), "\(coloured)")
        #expect(try await !Tool.onTerminal(["config"], environment: ["NO_COLOR": "1"]).contains(escape))
    }

    // MARK: Settings

    @Test("a flag wins over the environment, and that over the file; config says which it was")
    func settings() async throws {
        try await withTemporaryFolder { folder in
            let file = folder + "/settings.json"
            let settings: [String: Any] = [
                "kafka": "file:1", "timeout": 3, "database": "postgres://shop:geheim@db/order",
                "properties": ["security.protocol=sasl_ssl", "sasl.username=shop", "sasl.password=geheim"],
            ]
            try JSONSerialization.data(withJSONObject: settings).write(to: URL(fileURLWithPath: file))
            let environment = [
                "TIDINGS_SETTINGS": file, "TIDINGS_KAFKA": "env:2", "TIDINGS_PROPERTIES": "sasl.username=other,a.b=c",
            ]
            let shown = try await Tool.run(
                ["config", "--json", "--timeout", "7", "-X", "a.b=d"], environment: environment)
            var values: [String: String] = [:]
            for row in try shown.objects {
                let name = try #require(row["name"] as? String)
                values[name] = "\(row["value"] as? String ?? "hidden") \(try #require(row["from"] as? String))"
            }
            #expect(
                values == [
                    "kafka": "env:2 environment, TIDINGS_KAFKA", "timeout": "7 flag, --timeout",
                    "database": "postgres://shop:***@db/order file, database",
                    "properties: security.protocol": "sasl_ssl file, properties",
                    "properties: sasl.username": "other environment, TIDINGS_PROPERTIES",
                    "properties: sasl.password": "hidden file, properties", "properties: a.b": "d flag, -X",
                ])
            let text = try await Tool.run(["config"], environment: environment)
            #expect(!text.text.contains("geheim"))
            #expect(text.text.contains("(not shown)") && text.text.contains(file))
        }
    }

    @Test("a file of settings that cannot be read is told, and nothing is done")
    func wrongSettings() async throws {
        try await withTemporaryFolder { folder in
            let file = folder + "/settings.json"
            let missing = try await Tool.run(["config"], environment: ["TIDINGS_SETTINGS": file])
            #expect(missing.code == 1 && missing.errors.contains(file))
            try "not json".write(toFile: file, atomically: true, encoding: .utf8)
            let broken = try await Tool.run(["config"], environment: ["TIDINGS_SETTINGS": file])
            #expect(broken.code == 1 && broken.errors.contains(file))
            try #"{"timeout": "soon"}"#.write(toFile: file, atomically: true, encoding: .utf8)
            let wrong = try await Tool.run(["config"], environment: ["TIDINGS_SETTINGS": file])
            #expect(wrong.code == 64 && wrong.errors.contains("timeout"))
        }
    }

    @Test(
        "passwords do not show in a database's address",
        arguments: [
            ("postgres://a:b@h/d", "postgres://a:***@h/d"), ("postgres://a@h/d", "postgres://a@h/d"),
            ("postgres://h/d?user=a&password=b", "postgres://h/d?user=a&password=***"),
            ("postgres://a:b:c@h:5432/d?x=@", "postgres://a:***@h:5432/d?x=@"), ("order.sqlite", "order.sqlite"),
        ])
    func hiddenPasswords(_ location: String, _ shown: String) {
        #expect(Secrets.hidden(inDatabase: location) == shown)
    }

    // MARK: Progress

    @Test("progress shows after two seconds, not more often than needed, and goes away at the end")
    func progress() {
        let time = Mutex(ContinuousClock.now)
        let drawn = Mutex<[String]>([])
        let progress = Progress(
            "sending", of: 10_000, unit: "records", now: { time.withLock { $0 } },
            draw: { text in drawn.withLock { $0.append(text) } })
        func after(_ duration: Duration, _ count: Int64) {
            time.withLock { $0 += duration }
            progress.reached(count)
        }
        after(.seconds(1.9), 1000)
        let early = drawn.withLock { $0 }
        #expect(early.isEmpty)
        after(.seconds(0.6), 2500)
        after(.milliseconds(10), 2600)
        progress.end()
        progress.reached(9000)
        let lines = drawn.withLock { $0 }
        #expect(
            lines == [
                "\r\u{1B}[Ksending  2,500 of 10,000, 25 % records  1,000/s  7.5 s left", "\r\u{1B}[K",
            ])
    }

    @Test("work that is short shows no progress at all")
    func noProgress() {
        let drawn = Mutex(0)
        let progress = Progress(
            "sending", of: nil, unit: "records", now: { .now }, draw: { _ in drawn.withLock { $0 += 1 } })
        progress.reached(5)
        progress.end()
        let count = drawn.withLock { $0 }
        #expect(count == 0)
    }

    @Test("where nobody looks, a comparison tells each run in a line, and of many trials one in ten seconds")
    func comparisonProgress() {
        let time = Mutex(ContinuousClock.now)
        let drawn = Mutex("")
        func draw(interactive: Bool) -> String {
            drawn.withLock { $0 = "" }
            let progress = CompareProgress(
                isInteractive: interactive, now: { time.withLock { $0 } },
                draw: { text in drawn.withLock { $0 += text } })
            progress.begin("histories are in /tmp/x")
            progress.show(0, "outbox, run 1 of 2")
            for trial in 1...3 {
                progress.show(0.5 + Double(trial) / 100, "faults, \(trial) of 3 trials")
                time.withLock { $0 += .seconds(6) }
            }
            progress.clear()
            return drawn.withLock { $0 }
        }
        #expect(
            draw(interactive: false) == """
                tidings: histories are in /tmp/x
                tidings: 0 %, outbox, run 1 of 2
                tidings: 51 %, faults, 1 of 3 trials
                tidings: 53 %, faults, 3 of 3 trials

                """)
        let line = draw(interactive: true)
        #expect(line.split(separator: "\r").count == 5 && !line.contains("\n"))
    }

    @Test(
        "points of a log are read as people write them",
        arguments: [
            ("beginning", .beginning), ("latest", .end), ("12", .offset(12)), ("-3", .beforeEnd(3)),
            ("-0", .beforeEnd(0)),
            ("1970-01-02", .time(86_400_000)), ("1970-01-01T00:00:01Z", .time(1000)), ("10m", .time(400_000)),
        ] as [(String, LogPoint)])
    func points(_ text: String, _ point: LogPoint) {
        #expect(Point(text, now: Timestamp(millisecondsSince1970: 1_000_000))?.point == point)
    }

    @Test("nonsense is no point", arguments: ["", "soon", "10x", "--5", "2026-13-01", "1.5h"])
    func noPoints(_ text: String) {
        #expect(Point(argument: text) == nil)
    }
}

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

    @Test("the help of the broker fits into 80 columns, a property's meaning below its name")
    func broker() async throws {
        let help = try await Tool.run(["broker", "--help"], environment: ["COLUMNS": "80"])
        // The usage is one line, however long.
        #expect(help.lines.allSatisfy { $0.count <= 80 || $0.hasPrefix("USAGE: ") })
        let name = try #require(help.lines.firstIndex(of: "  log.cleaner.dedupe.buffer.size=134217728"))
        #expect(help.lines[name + 1] == "      memory for a log's keys, 24 bytes each")
        let table = Array(help.lines.drop { !$0.hasPrefix("PROPERTIES") }.dropFirst().prefix { !$0.isEmpty })
        #expect(table.count > 40 && table.count.isMultiple(of: 2))
        for (index, line) in table.enumerated() {
            #expect(line.contains(index.isMultiple(of: 2) ? #/^  [a-z.]+=[^ ]+$/# : #/^      [^ ]/#), "\(line)")
        }
    }

    @Test("help may stand behind a group of commands, too", arguments: [[], ["list"]])
    func helpBehind(_ command: [String]) async throws {
        let help = try await Tool.run(["topics", "help"] + command)
        #expect(help.code == 0)
        #expect(help.lines == (try await Tool.run(["help", "topics"] + command)).lines)
        #expect(help.text.contains((["USAGE: tidings topics"] + command).joined(separator: " ")))
    }

    @Test("what an option means stands in one column", arguments: [["outbox", "status"], ["replay"]])
    func column(_ command: [String]) async throws {
        let help = try await Tool.run(command + ["--help"], environment: ["COLUMNS": "80"])
        let options = help.lines.drop { !$0.hasPrefix("OPTIONS:") }.dropFirst().filter { !$0.isEmpty }
        #expect(options.count > 5)
        for line in options where !line.hasPrefix("  -") {
            #expect(line.prefix { $0 == " " }.count == 26, "\(line)")
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
            (["topics", "help", "lst"], "'tidings topics' has no command 'lst'. Did you mean 'list'?"),
            (["help", "topics", "lst"], "'tidings topics' has no command 'lst'. Did you mean 'list'?"),
            (["topics", "help", "nonsense"], "'tidings topics' has no command 'nonsense'. There are: "),
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

    @Test("what cannot be written is an error")
    func output() async throws {
        let process = try ChildProcess("/bin/sh", ["-c", "exec \"$1\" config 2>&1 >/dev/full", "sh", Programs.tidings])
        #expect(try await process.waitForExit() == 1)
        #expect(process.lines == ["tidings: the output cannot be written: No space left on device"])
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

    @Test("a file of settings that is missing where it was named is told, and nothing is done")
    func missingSettings() async throws {
        let missing = try await Tool.run(["config"], environment: ["TIDINGS_SETTINGS": "/nonexistent/settings.json"])
        #expect(missing.code == 1 && missing.errors.contains("/nonexistent/settings.json"))
        #expect(missing.lines.isEmpty)
    }

    @Test(
        "what is wrong in a file of settings is told in words, with its key or its place",
        arguments: [
            ("not json", "line 1, column 1: 'not' is no JSON value"),
            ("{ \"kafka\": \"a:1\",\n  \"timeout\" 5 }", "line 2, column 13: a colon is missing behind the key"),
            ("{ \"timeout\": 5\n  \"kafka\": \"a:1\" }", "line 2, column 3: a comma or '}' is missing"),
            ("{ \"timeout\": 5, }", "line 1, column 17: no comma may stand before '}'"),
            ("{ \"timeout\": 5", "line 1, column 1: the '{' is never closed"),
            ("{ \"kafka\": \"a:1 }\n", "line 1, column 12: the text that begins here has no end on its line"),
            ("{ 'kafka': 1 }", "line 1, column 3: a key in double quotes is missing"),
            (#"{ "database": "C:\data" }"#, "line 1, column 18: '\\d' is nothing that a text may have"),
            ("", "line 1, column 1: it ends where a value is missing"),
            ("[1]", "it is no JSON object"),
            ("{ \"kafak\": \"a:1\" }", "there is no setting 'kafak'; did you mean 'kafka'?"),
            ("{ \"colour\": 1 }", "there is no setting 'colour'; there are: kafka, properties, database, timeout"),
            ("{ \"timeout\": \"soon\" }", "'timeout' takes a whole number of seconds"),
            ("{ \"properties\": \"a=b\" }", "'properties' takes a list such as"),
        ])
    func wrongSettings(_ text: String, _ words: String) async throws {
        try await withTemporaryFolder { folder in
            let file = folder + "/settings.json"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            for command in [["config"], ["topics", "list"]] {
                let wrong = try await Tool.run(command, environment: ["TIDINGS_SETTINGS": file])
                #expect(wrong.code == 64 && wrong.lines.isEmpty)
                #expect(wrong.errors.contains("\(file): \(words)"), "\(wrong.errors)")
            }
        }
    }

    @Test(
        "an address that has no port is a mistake of the setting, which names where it comes from",
        arguments: ["foo:99999", "foo:0", "foo", "foo:", "foo:x", "127.0.0.1:9092,foo:-1", ":9092"])
    func wrongAddress(_ address: String) async throws {
        let bad = address.split(separator: ",").last ?? ""
        let words = "'\(bad)' is not HOST:PORT with a port from 1 to 65535"
        try await withTemporaryFolder { folder in
            let file = folder + "/settings.json"
            try "{ \"kafka\": \"\(address)\" }".write(toFile: file, atomically: true, encoding: .utf8)
            let flag = try await Tool.run(["topics", "list", "--kafka", address])
            let variable = try await Tool.run(["config"], environment: ["TIDINGS_KAFKA": address])
            let inFile = try await Tool.run(["topics", "list"], environment: ["TIDINGS_SETTINGS": file])
            for (result, place) in [(flag, "--kafka"), (variable, "TIDINGS_KAFKA"), (inFile, "'kafka' in \(file)")] {
                #expect(result.code == 64 && result.lines.isEmpty)
                #expect(result.errors.contains("Error: \(place): \(words)"), "\(result.errors)")
            }
        }
    }

    @Test("a time in the environment that is no number of seconds is told", arguments: ["soon", "0", "-1"])
    func wrongTime(_ text: String) async throws {
        let wrong = try await Tool.run(["config"], environment: ["TIDINGS_TIMEOUT": text])
        #expect(wrong.code == 64 && wrong.errors.contains("TIDINGS_TIMEOUT"), "\(wrong.errors)")
    }

    @Test(
        "passwords do not show in a database's address",
        arguments: [
            ("postgres://me:wo?rd@h/x", "postgres://me:***@h/x"),
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

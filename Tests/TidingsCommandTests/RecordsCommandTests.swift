import Foundation
import Processes
import Testing

@Suite("tidings produce and consume", .timeLimit(.minutes(3)))
struct RecordsCommandTests {
    private func topic(_ tidings: Shell, partitions: Int = 1, _ more: String...) async throws -> String {
        let topic = uniqueName("order")
        let made = try await Tool.run(
            ["topics", "create", topic, "--partitions", "\(partitions)", "--kafka", tidings.kafka] + more)
        try #require(made.code == 0, "\(made.errors)")
        return topic
    }

    @Test("lines become records and come back, from a pipe, a file or one value")
    func lines() async throws {
        try await withShell { tidings in
            let topic = try await topic(tidings)
            let sent = try await tidings("produce", topic, input: "one\n\nthree")
            #expect(sent.code == 0)
            #expect(sent.lines == ["3 records sent to '\(topic)' (8 B)"])
            #expect(try await tidings("produce", topic, "--value", "four").code == 0)
            try await withTemporaryFolder { folder in
                try "five\nsix\n".write(toFile: folder + "/lines", atomically: true, encoding: .utf8)
                #expect(try await tidings("produce", topic, "--file", folder + "/lines").code == 0)
            }
            #expect(try await tidings("consume", topic).lines == ["one", "", "three", "four", "five", "six"])
            #expect(try await tidings("consume", topic, "--from", "-2").lines == ["five", "six"])
            #expect(try await tidings("consume", topic, "--from", "2", "--until", "4").lines == ["three", "four"])
            #expect(try await tidings("consume", topic, "--max", "1").lines == ["one"])
            #expect(try await tidings("consume", topic, "--from", "end").lines.isEmpty)
            #expect(try await tidings("consume", topic, "--from", "1h", "--max", "1").lines == ["one"])
            #expect(try await tidings("consume", topic, "--until", "1h").lines.isEmpty)
        }
    }

    @Test("keys, headers, places and tombstones go in and come out")
    func fields() async throws {
        try await withShell { tidings in
            let topic = try await topic(tidings)
            let sent = try await tidings(
                "produce", topic, "--key-separator", ":", "--tombstones", "--header", "a=b=c", "--header", "d=",
                input: "k1:v:1\nk2:\n")
            #expect(sent.code == 0)
            #expect(
                try await tidings("consume", topic, "--keys", "--headers").lines == [
                    "k1\ta=b=c,d=\tv:1", "k2\ta=b=c,d=\t",
                ])
            let places = try await tidings("consume", topic, "--offsets", "--max", "1").lines[0].split(separator: "\t")
            #expect(places[0] == "\(topic)[0]" && places[1] == "0" && places[2].hasSuffix("Z"))
            let json = try await tidings.json("consume", topic)
            #expect(json.map { $0["key"] as? String } == ["k1", "k2"])
            #expect(json[0]["value"] as? String == "v:1")
            #expect(json[1]["value"] is NSNull)
            #expect((json[0]["headers"] as? [[String: String]])?[0] == ["name": "a", "value": "b=c"])
        }
    }

    @Test("what consume prints as JSON, produce takes: the copy is the same")
    func copy() async throws {
        try await withShell { tidings in
            let (topic, copy) = (try await topic(tidings, partitions: 2), try await topic(tidings, partitions: 2))
            let input = """
                {"key":"a","value":{"cents":1999,"big":9007199254740993,"exact":0.1},"headers":{"h":"1"}}
                {"keyBase64":"AP8=","valueBase64":"AP8=","timestamp":"2026-01-02T03:04:05.678Z"}
                {"key":"c","value":null,"headers":[{"name":"h","value":null},{"name":"h","valueBase64":"/w=="}]}
                {"value":"plain","partition":1}
                """
            #expect(
                try await tidings.json("produce", topic, "--keep-partitions", input: input)[0]["records"] as? Int == 4)
            let first = try await tidings("consume", topic, "--json")
            _ = try await tidings.json("produce", copy, "--keep-partitions", input: first.text)
            let second = try await tidings("consume", copy, "--json")
            #expect(second.lines.map { $0.replacing(copy, with: topic) }.sorted() == first.lines.sorted())
            #expect(first.lines.count == 4)
            #expect(first.text.contains(#""value":"{\"big\":9007199254740993,\"cents\":1999,\"exact\":0.1}""#))
            #expect(first.text.contains(#""timestamp":"2026-01-02T03:04:05.678Z","topic":"#))
            #expect(first.text.contains(#""valueBase64":"AP8=""#))
            #expect(try #require(first.objects.first { $0["value"] as? String == "plain" })["partition"] as? Int == 1)
        }
    }

    @Test("a line that is no record is named, and what came before it is sent")
    func wrongLine() async throws {
        try await withShell { tidings in
            let topic = try await topic(tidings)
            for (line, words) in [
                ("nonsense", "is no JSON"), ("[1]", "is no JSON object"), (#"{"key":1}"#, "'key'"),
                (#"{"valueBase64":"?"}"#, "no base 64"), (#"{"value":1,"timestamp":"soon"}"#, "'timestamp'"),
                (#"{"value":1,"headers":1}"#, "'headers'"), ("null", "is no JSON object"),
                (#"{"key":"k","Value":"v"}"#, "a field 'Value' that no record has"),
                ("{}", "neither a key nor a value"),
            ] {
                let result = try await tidings(
                    "produce", topic, "--json", input: "{\"value\":\"x\"}\n\(line)\n{\"value\":\"behind\"}\n")
                #expect(result.code == 1)
                #expect(result.errors.contains("line 2 of standard input") && result.errors.contains(words))
                let tally = try JSONSerialization.jsonObject(with: Data(result.text.utf8)) as? [String: Any]
                #expect(tally?["records"] as? Int == 1)
            }
            #expect(try await tidings("consume", topic).lines == Array(repeating: "x", count: 9))
            // What a line tells of an event is not taken, whatever it is.
            let foreign = try await tidings(
                "produce", topic, "--json", input: #"{"value":"y","event":{"of":"others"}}"#)
            #expect(foreign.code == 0, "\(foreign.errors)")
            let missing = try await tidings("produce", topic, "--key-separator", ":", input: "no key")
            #expect(missing.code == 1)
            #expect(missing.errors.contains("line 1 of standard input has no ':' behind a key"))
            try await withTemporaryFolder { folder in
                try "k:1\nk:2\nno key\nk:4\n".write(toFile: folder + "/keys", atomically: true, encoding: .utf8)
                let file = try await tidings("produce", topic, "--key-separator", ":", "--file", folder + "/keys")
                #expect(file.code == 1 && file.lines.isEmpty)
                #expect(
                    file.errors == """
                        2 records sent to '\(topic)' (2 B)
                        tidings: line 3 of \(folder)/keys has no ':' behind a key

                        """)
                let wrong = try await tidings("produce", topic, "--file", folder)
                #expect(wrong.code == 1 && wrong.errors.contains("\(folder) cannot be read: Is a directory"))
            }
        }
    }

    @Test("events get an envelope, and are shown out of it")
    func events() async throws {
        try await withShell { tidings in
            let topic = try await topic(tidings)
            let sent = try await tidings(
                "produce", topic, "--type", "shop.order.placed", "--source", "/test", "--key", "42", "--value",
                #"{"cents":1999}"#)
            #expect(sent.code == 0)
            _ = try await tidings("produce", topic, "--value", "no event")
            let lines = try await tidings("consume", topic, "--events").lines.map { $0.split(separator: "\t") }
            #expect(lines[0][1] == "shop.order.placed" && lines[0].suffix(2) == ["42", #"{"cents":1999}"#])
            #expect(lines[1][1] == "-")
            let json = try await tidings.json("consume", topic)
            let event = try #require(json[0]["event"] as? [String: Any])
            #expect(event["type"] as? String == "shop.order.placed")
            #expect(event["source"] as? String == "/test")
            #expect(event["data"] as? [String: Int] == ["cents": 1999])
            #expect((event["id"] as? String)?.count == 36)
            #expect(json[1]["event"] == nil)
        }
    }

    @Test("following goes on with what comes, and Ctrl-C ends it with code 130")
    func follow() async throws {
        try await withShell { tidings in
            let topic = try await topic(tidings)
            let follower = try ChildProcess(
                Programs.tidings, ["consume", topic, "--follow", "--kafka", tidings.kafka])
            for word in ["one", "two"] {
                _ = try await tidings("produce", topic, "--value", word)
                try await eventually(word) { follower.lines.last == word }
            }
            follower.signal(SIGINT)
            #expect(try await follower.waitForExit() == 130)
            #expect(follower.lines == ["one", "two"])
        }
    }

    @Test("a member commits what it printed, goes on there the next time, and leaves its group on Ctrl-C")
    func member() async throws {
        try await withShell { tidings in
            let (topic, group) = (try await topic(tidings), uniqueName("audit"))
            _ = try await tidings("produce", topic, input: "1\n2\n3\n")
            #expect(try await tidings("consume", topic, "--group", group, "--max", "2").lines == ["1", "2"])
            let follower = try ChildProcess(
                Programs.tidings, ["consume", topic, "--group", group, "--follow", "--kafka", tidings.kafka])
            try await eventually("the rest") { follower.lines == ["3"] }
            try await eventually("the commit") {
                try await tidings.json("groups", "describe", group)[0]["lag"] as? Int == 0
            }
            let living = try await tidings.json("groups", "describe", group)[0]
            #expect(living["state"] as? String == "Stable")
            #expect((living["members"] as? [Any])?.count == 1)
            follower.signal(SIGTERM)
            #expect(try await follower.waitForExit() == 143)
            let left = try await tidings.json("groups", "describe", group)[0]
            #expect(left["state"] as? String == "Empty")
        }
    }

    @Test("a reader that goes away ends it quietly")
    func brokenPipe() async throws {
        try await withShell { tidings in
            let topic = try await topic(tidings)
            _ = try await tidings("produce", topic, input: (0..<50_000).map { "\($0)\n" }.joined())
            let process = try ChildProcess(
                "/bin/bash",
                [
                    "-c", "set -o pipefail; \"$0\" consume \"$1\" --kafka \"$2\" | head -n 1", Programs.tidings, topic,
                    tidings.kafka,
                ])
            #expect(try await process.waitForExit() == 0)
            #expect(process.lines == ["0"])
            #expect(process.errors.isEmpty)
        }
    }

    @Test("whoever follows is told once that no broker answers, once that one is back, and then gets what comes")
    func outage() async throws {
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(dataDirectory: folder)
            let tidings = Shell(kafka: await broker.bootstrap)
            let topic = try await topic(tidings)
            _ = try await tidings("produce", topic, "--value", "before")
            let reader = try ChildProcess(
                Programs.tidings, ["consume", topic, "--follow", "--kafka", tidings.kafka])
            try await eventually("what was there") { reader.lines == ["before"] }
            #expect(reader.errors.isEmpty)
            let away = "no broker answers at \(tidings.kafka) any more"
            let back = "a broker answers at \(tidings.kafka) again"
            @Sendable func times(_ words: String) -> Int { reader.errors.ranges(of: words).count }
            for outage in 1...2 {
                try await broker.kill()
                try await eventually("the news of outage \(outage)") { times(away) == outage }
                #expect(times(back) == outage - 1)
                try await broker.restart()
                try await eventually("the end of outage \(outage)") { times(back) == outage }
                _ = try await tidings("produce", topic, "--value", "after \(outage)")
                try await eventually("the record behind it") { reader.lines.last == "after \(outage)" }
            }
            #expect(reader.lines == ["before", "after 1", "after 2"])
            #expect(times(away) == 2 && reader.errors.contains("Connection refused); it goes on when one is back"))
            reader.signal(SIGINT)
            #expect(try await reader.waitForExit() == 130)
            try await broker.stop()
        }
    }

    @Test("on a terminal nothing of a record is obeyed, and a tombstone is named")
    func terminal() async throws {
        try await withShell { tidings in
            let topic = try await topic(tidings)
            _ = try await tidings("produce", topic, "--tombstones", input: "\u{1B}[31mred\n\n")
            let shown = try await Tool.onTerminal(
                ["consume", topic, "--kafka", tidings.kafka], environment: ["NO_COLOR": "1"])
            #expect(!shown.contains("\u{1B}"))
            #expect(shown.contains("0x1b5b33316d726564") && shown.contains("none"))
        }
    }

    @Test(
        "options that contradict each other are told",
        arguments: [
            ["produce", "x", "--value", "a", "--file", "b"], ["produce", "x", "--json", "--key", "a"],
            ["produce", "x", "--header", "a"], ["produce", "x", "--keep-partitions"],
            ["consume", "x", "--follow", "--until", "end"], ["consume", "x", "--from", "soon"],
            ["consume", "x", "--group", "g"], ["consume", "x:1", "--group", "g", "--follow"],
            ["consume", "x", "--group", "g", "--follow", "--from", "12"], ["consume", "x", "--max", "0"],
            ["consume", "x:y"], ["consume", "x", "--events", "--keys"],
        ])
    func contradictions(_ arguments: [String]) async throws {
        let result = try await Tool.run(arguments)
        #expect(result.code == 64, "\(result.errors)")
        #expect(result.errors.contains("Error:"))
    }
}

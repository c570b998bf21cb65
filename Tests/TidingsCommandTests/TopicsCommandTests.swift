import Processes
import Testing

@Suite("tidings topics", .timeLimit(.minutes(2)))
struct TopicsCommandTests {
    @Test("a topic is made, listed, described and deleted")
    func life() async throws {
        try await withShell { tidings in
            let topic = uniqueName("order")
            let made = try await tidings("topics", "create", topic, "--partitions", "3")
            #expect(made.code == 0)
            #expect(made.lines == ["topic '\(topic)' is made, with 3 partitions"])
            _ = try await tidings("produce", topic, input: "one\ntwo\n")

            let listed = try await tidings.json("topics", "list").filter { $0["topic"] as? String == topic }
            #expect(listed.map { $0["partitions"] as? Int } == [3])
            #expect(listed.map { $0["records"] as? Int } == [2])
            #expect(try await tidings("topics", "list").text.contains(topic))

            let described = try await tidings.json("topics", "describe", topic)[0]
            let partitions = try #require(described["partitions"] as? [[String: Any]])
            #expect(partitions.map { $0["partition"] as? Int } == [0, 1, 2])
            #expect(partitions.compactMap { $0["end"] as? Int }.reduce(0, +) == 2)
            let text = try await tidings("topics", "describe", topic)
            #expect(text.lines[0] == "\(topic): 3 partitions, 2 records")
            #expect(text.lines[1].hasPrefix("PARTITION  LEADER"))

            let deleted = try await tidings.json("topics", "delete", topic, "--yes")
            #expect(deleted[0]["done"] as? String == "deleted")
            #expect(try await tidings("topics", "describe", topic).code == 2)
        }
    }

    @Test("properties are set and returned to their defaults, partitions are added; a dry run changes nothing")
    func alteration() async throws {
        try await withShell { tidings in
            let topic = uniqueName("order")
            _ = try await tidings("topics", "create", topic, "--partitions", "1", "--config", "retention.ms=1000000")
            func properties() async throws -> [String: String] {
                let described = try await tidings.json("topics", "describe", topic)[0]
                let rows = try #require(described["properties"] as? [[String: String]])
                return Dictionary(
                    uniqueKeysWithValues: rows.map { ($0["name"] ?? "", "\($0["value"] ?? "") \($0["setBy"] ?? "")") })
            }
            #expect(try await properties()["retention.ms"] == "1000000 topic")
            let dry = try await tidings("topics", "alter", topic, "--config", "retention.ms=5", "--dry-run")
            #expect(dry.lines == ["topic '\(topic)' would be changed"])
            #expect(try await properties()["retention.ms"] == "1000000 topic")
            let altered = try await tidings.json(
                "topics", "alter", topic, "--config", "cleanup.policy=compact", "--partitions", "3")
            #expect(altered[0]["done"] as? String == "altered")
            #expect(try await properties()["cleanup.policy"] == "compact topic")
            #expect(try await properties()["retention.ms"] == "1000000 topic")
            #expect(try await tidings("topics", "alter", topic, "--delete-config", "retention.ms").code == 0)
            #expect(try await properties()["retention.ms"]?.hasSuffix(" topic") != true)
            let text = try await tidings("topics", "describe", topic)
            #expect(text.lines[0] == "\(topic): 3 partitions, 0 records")
            #expect(text.text.contains("cleanup.policy") && text.text.contains("compact"))
            let half = try await tidings("topics", "alter", topic, "--config", "retention.ms=7", "--partitions", "1")
            #expect(half.code == 1, "there are never fewer")
            #expect(try await properties()["retention.ms"] != "7 topic", "and then nothing is changed")
            let nonsense = try await tidings("topics", "alter", topic, "--config", "cleanup.policy=sometimes")
            #expect(nonsense.code == 1 && nonsense.errors.contains("cleanup.policy"))
        }
    }

    @Test(
        "of a topic of which nothing was set it says so, and which defaults of the broker are not Kafka's",
        .enabled(if: Programs.externalKafka == nil))
    func defaults() async throws {
        try await withShell { tidings in
            let topic = uniqueName("order")
            _ = try await tidings("topics", "create", topic)
            let kept = "retention.ms is -1 by default here, with Apache Kafka 604800000 (kept for a week)."
            let plain = try await tidings("topics", "describe", topic)
            #expect(!plain.text.contains("Kafka's defaults"))
            #expect(plain.lines.contains { $0.hasPrefix("None of its properties was set; --all shows") })
            #expect(plain.lines.contains(kept))
            #expect(plain.lines.contains { $0.hasPrefix("flush.messages is 1 by default here") })
            let all = try await tidings("topics", "describe", topic, "--all")
            #expect(all.lines.contains { $0.split(separator: " ") == ["retention.ms", "-1", "default"] })
            #expect(all.lines.contains(kept))
            _ = try await tidings("topics", "alter", topic, "--config", "retention.ms=-1")
            let set = try await tidings("topics", "describe", topic)
            #expect(set.text.contains("retention.ms") && !set.lines.contains(kept), "whoever sets it knows it")
        }
    }

    @Test("what is there already is told, or accepted; a dry run makes nothing; nonsense is refused with the reason")
    func creation() async throws {
        try await withShell { tidings in
            let topic = uniqueName("order")
            let dry = try await tidings("topics", "create", topic, "--partitions", "2", "--dry-run")
            #expect(dry.lines == ["topic '\(topic)' would be made, with 2 partitions"])
            #expect(try await tidings("topics", "describe", topic).code == 2)

            #expect(try await tidings("topics", "create", topic).code == 0)
            let again = try await tidings("topics", "create", topic)
            #expect(again.code == 2)
            #expect(again.errors.contains("is there already; --if-not-exists accepts that"))
            let accepted = try await tidings.json("topics", "create", topic, "--if-not-exists")
            #expect(accepted[0]["done"] as? String == "unchanged")

            let nonsense = try await tidings(
                "topics", "create", uniqueName("bad"), "--config", "cleanup.policy=sometimes")
            #expect(nonsense.code == 1)
            #expect(nonsense.errors.contains("cleanup.policy"))
        }
    }

    @Test("a name that is nearly right is answered with the right one, and nothing is made")
    func nearly() async throws {
        try await withShell { tidings in
            let topic = uniqueName("invoice")
            _ = try await tidings("topics", "create", topic)
            let wrong = try await tidings("topics", "describe", topic + "s")
            #expect(wrong.code == 2)
            #expect(wrong.lines.isEmpty)
            #expect(wrong.errors.contains("there is no topic '\(topic)s' at \(tidings.kafka), but there is '\(topic)'"))
            #expect(try await tidings("consume", topic + "s").code == 2)
            #expect(try await tidings("produce", topic + "s", "--value", "x").code == 2)
            let names = try await tidings.json("topics", "list").compactMap { $0["topic"] as? String }
            #expect(!names.contains(topic + "s"))
        }
    }

    @Test("deleting wants --yes where nobody can be asked")
    func asks() async throws {
        try await withShell { tidings in
            let topic = uniqueName("order")
            _ = try await tidings("topics", "create", topic)
            let refused = try await tidings("topics", "delete", topic)
            #expect(refused.code == 64)
            #expect(refused.errors.contains("--yes"))
            #expect(try await tidings("topics", "describe", topic).code == 0)
        }
    }

    @Test("Ctrl-C where it asks whether to delete is no, at once")
    func interruptedQuestion() async throws {
        try await withShell { tidings in
            let topic = uniqueName("order")
            _ = try await tidings("topics", "create", topic)
            let script = """
                import os, pty, sys
                pid, terminal = pty.fork()
                if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
                seen = b""
                while b"[y/N] " not in seen: seen += os.read(terminal, 1024)
                os.write(terminal, b"\\x03")
                try:
                    while True: seen += os.read(terminal, 1024)
                except OSError: pass
                print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), repr(seen.decode().split("[y/N] ")[1]))
                """
            let process = try ChildProcess(
                "/usr/bin/python3",
                ["-c", script, Programs.tidings, "topics", "delete", topic, "--kafka", tidings.kafka])
            try await process.waitForExit()
            // The end of the line is written by a command that was broken off, not by one that is killed.
            #expect(process.lines == [#"130 '^C\r\n'"#])
            #expect(try await tidings("topics", "describe", topic).code == 0)
        }
    }

    @Test(
        "wrong arguments are told with exit code 64",
        arguments: [
            ["create", "x", "--partitions", "0"], ["create", "x", "--config", "a"], ["alter", "x"], ["describe"],
            ["list", "-X", "no.such.property=1"], ["list", "-X", "nonsense"], ["list", "--timeout", "0"],
        ])
    func wrongArguments(_ arguments: [String]) async throws {
        let result = try await Tool.run(["topics"] + arguments)
        #expect(result.code == 64, "\(result.errors)")
        #expect(!result.errors.isEmpty)
    }
}

import Foundation
import Processes
import Testing
import TidingsAudit

/// `tidings broker` ended by SIGKILL, again and again, under everything at once: idempotent producers, transactions with
/// aborts over several topics, copying in transactions, members of groups, and compaction.
@Suite("The broker killed under load", .serialized)
struct BrokerKillTests {
    static let kills = Programs.proves ? 200 : 8

    /// A client of the load, and how many more lines it has to write before the next kill, at most: a random number, so
    /// that the kills fall anywhere in what it does.
    private struct Client {
        var process: ChildProcess
        var pace: Int
    }

    @Test("loses nothing acknowledged, doubles nothing, shows nothing uncommitted, and keeps every committed offset")
    func killedUnderLoad() async throws {
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(
                dataDirectory: folder, configuration: ["log.cleaner.backoff.ms": "100"])
            let bootstrap = await broker.bootstrap
            try await createTopics(bootstrap)
            func start(_ action: String, _ topic: String, _ more: String..., pace: Int) throws -> Client {
                let process = try Self.load([action, "--topic", topic] + more, bootstrap)
                return Client(process: process, pace: pace)
            }
            let writers = [
                try start("write", "plain", "--rate", "1000", pace: 400),
                try start("write", "feed", "--rate", "200", pace: 40),
                try start("update", "table", "--rate", "300", pace: 60),
                try start("transact", "ledger", "--to", "table", pace: 10),
            ]
            let readers = [
                try start("follow", "plain", pace: 6), try start("follow", "ledger", pace: 4),
                try start("pipe", "feed", "--to", "copies", pace: 3),
            ]
            try await kill(broker, under: writers + readers)

            // Readers go on to what is then the end.
            for client in writers + readers {
                client.process.signal(SIGTERM)
                let status = try await client.process.waitForExit(within: .seconds(120))
                #expect(status == 0, "\(client.process.errors)")
            }
            var history = LoadHistory()
            for client in writers + readers { try history.add(client.process.lines) }
            for topic in ["plain", "copies", "table", "ledger"] {
                let reader = try Self.load(["read", "--topic", topic], bootstrap)
                #expect(try await reader.waitForExit() == 0, "\(reader.errors)")
                try history.add(reader.lines)
            }
            judge(history)
            try await broker.stop()
        }
    }

    private func createTopics(_ bootstrap: String) async throws {
        let compacted = [
            "cleanup.policy=compact", "segment.bytes=16384", "segment.ms=500", "min.cleanable.dirty.ratio=0.01",
            "max.compaction.lag.ms=300",
        ]
        for (topic, partitions, configuration) in [
            ("plain", 5, []), ("feed", 1, []), ("copies", 1, []), ("ledger", 3, []), ("table", 2, compacted),
        ] {
            try await ForeignClient.createTopic(
                topic, partitions: partitions, configuration: configuration, bootstrap: bootstrap)
        }
    }

    static func load(_ arguments: [String], _ bootstrap: String) throws -> ChildProcess {
        let script = Programs.checkout + "/Tests/IntegrationTests/Clients/load.py"
        return try ChildProcess(Programs.python, [script] + arguments + ["--bootstrap", bootstrap])
    }

    private func kill(_ broker: BrokerProcess, under clients: [Client]) async throws {
        for kill in 1...Self.kills {
            let wanted = clients.map { client in
                (client.process, client.process.lines.count + Int.random(in: 1...client.pace))
            }
            try await eventually("progress before kill \(kill): \(wanted.map(\.0.errors))") {
                wanted.allSatisfy { process, count in process.lines.count >= count }
            }
            try await broker.kill()
            try await broker.restart()
        }
    }

    private func judge(_ history: LoadHistory) {
        for (topic, verdict) in [
            ("plain", history.verdict(on: "plain", isFollowed: true)),
            ("copies", history.verdict(on: "copies", actionsOf: "feed")),
            ("ledger", history.verdict(on: "ledger", isFollowed: true)),
            ("table", history.verdict(on: "table", isCompacted: true)),
        ] {
            #expect(verdict.isClean, "\(topic): \(verdict.description.prefix(2000))")
            #expect(history.misplaced(in: topic).isEmpty, "\(topic): \(history.misplaced(in: topic).prefix(3))")
        }
        let (kept, written) = (history.found["table"]?.count ?? 0, history.actions["table"]?.count ?? 0)
        #expect(kept < written, "compaction did nothing")
        print(
            "kills: \(Self.kills), acknowledged: "
                + history.actions.mapValues(\.count).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                .joined(separator: ", ") + "; of table's \(written) records compaction left \(kept)")
    }
}

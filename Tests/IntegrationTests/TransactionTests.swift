import Foundation
import Processes
import Testing

/// Transactions as clients that nobody here wrote make them.
@Suite(.timeLimit(.minutes(3)), .serialized)
struct TransactionTests {
    /// What a client's script tells after each thing it tried; each line has some of these.
    private struct Line: Decodable {
        var open: [String]?
        var committed: [String]?
        var all: [String]?
        var pending: Pending?
        var offset: Int?
        var zombie: String?

        /// An offset that is not committed yet is none for those who may see it, or an error that asks to come again.
        enum Pending: Decodable, Equatable {
            case none, unstable, offset(Int)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if container.decodeNil() {
                    self = .none
                } else if let offset = try? container.decode(Int.self) {
                    self = offset < 0 ? .none : .offset(offset)
                } else {
                    self = .unstable
                }
            }
        }
    }

    @Test(
        "records and offsets of a transaction count once it is committed, and those of a zombie never",
        arguments: [ForeignClient.confluent, .aiokafka])
    func check(_ client: ForeignClient) async throws {
        try await withKafka { bootstrap in
            let topic = "transactions-\(UUID())"
            try await ForeignClient.createTopic(topic, partitions: 1, bootstrap: bootstrap)
            let child = try client.python(
                ["check", "--bootstrap", bootstrap, "--topic", topic], script: "transactions.py")
            let status = try await child.waitForExit()
            #expect(status == 0, "\(child.errors)")
            let lines = try child.lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
            try #require(lines.count == 6, "\(child.lines) \(child.errors)")
            #expect(lines[0].open == [])
            #expect(lines[1].committed == ["kept-1", "kept-2"])
            #expect(lines[2].pending != .offset(3))
            #expect(lines[3].offset == 3)
            #expect(lines[4].zombie != "committed")
            #expect(lines[5].committed == ["kept-1", "kept-2", "with-offset", "successor"])
            #expect(
                lines[5].all == [
                    "aborted-1", "aborted-2", "kept-1", "kept-2", "with-offset", "zombie", "successor",
                ])
        }
    }

    @Test("what reads, writes and commits in transactions copies each record once, whoever is killed meanwhile")
    func exactlyOnceUnderKills() async throws {
        let kills = Programs.proves ? 60 : 6
        let count = 400 * kills
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(dataDirectory: folder)
            let bootstrap = await broker.bootstrap
            for topic in ["from", "to"] {
                try await ForeignClient.createTopic(topic, partitions: 1, bootstrap: bootstrap)
            }
            let numbers = (0..<count).map { "\($0)" }
            let writer = try ChildProcess(
                Programs.kcat, ["-P", "-b", bootstrap, "-t", "from", "-p", "0", "-X", "acks=all"])
            try writer.send(numbers.map { $0 + "\n" }.joined())
            #expect(try await writer.waitForExit() == 0, "\(writer.errors)")

            var pipe = try Self.pipe(bootstrap)
            for kill in 1...kills {
                let (copier, before) = (pipe, pipe.lines.count)
                try await eventually("progress before kill \(kill): \(copier.errors)") {
                    copier.lines.count > before + 2
                }
                if kill.isMultiple(of: 3) {
                    pipe.signal(SIGKILL)
                    _ = try await pipe.waitForExit()
                    pipe = try Self.pipe(bootstrap)
                } else {
                    try await broker.kill()
                    try await broker.restart()
                }
            }
            let copier = pipe
            let copied: [String] = try await eventually("all is copied: \(copier.lines.suffix(3)) \(copier.errors)") {
                let reader = try ChildProcess(
                    Programs.kcat,
                    [
                        "-C", "-b", bootstrap, "-t", "to", "-o", "beginning", "-e", "-q", "-X",
                        "isolation.level=read_committed",
                    ])
                guard try await reader.waitForExit() == 0 else { return nil }
                return reader.lines.count < count ? nil : reader.lines
            }
            #expect(copied == numbers)
            pipe.signal(SIGTERM)
            #expect(try await pipe.waitForExit() == 0, "\(pipe.errors)")
            try await broker.stop()
        }
    }

    private static func pipe(_ bootstrap: String) throws -> ChildProcess {
        try ForeignClient.confluent.python(
            [
                "pipe", "--bootstrap", bootstrap, "--topic", "from", "--to", "to", "--group", "copiers", "--id",
                "copier",
            ], script: "transactions.py")
    }
}

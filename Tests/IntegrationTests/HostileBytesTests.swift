import Foundation
import Processes
import Testing
import TidingsAudit

/// A broker that is sent what no client sends, while clients use it.
@Suite("Hostile bytes", .timeLimit(.minutes(10)))
struct HostileBytesTests {
    @Test("neither crash the broker, nor fill its memory, nor harm its other clients")
    func leavesNeighboursUnharmed() async throws {
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(
                dataDirectory: folder, configuration: ["connections.max.idle.ms": "2000", "max.partitions": "60"])
            let (bootstrap, processID) = (await broker.bootstrap, await broker.processID)
            try await ForeignClient.createTopic("plain", partitions: 3, bootstrap: bootstrap)
            let writer = try BrokerKillTests.load(["write", "--topic", "plain", "--rate", "200"], bootstrap)
            let reader = try BrokerKillTests.load(["follow", "--topic", "plain"], bootstrap)
            try await eventually("the neighbours are at work: \(writer.errors) \(reader.errors)") {
                writer.lines.count > 100 && reader.lines.count > 2
            }

            let hostile = try ChildProcess(
                Programs.python,
                [
                    Programs.checkout + "/Tests/IntegrationTests/Clients/hostile.py", "--bootstrap", bootstrap,
                    "--pid", "\(processID)", "--rounds", Programs.proves ? "100" : "2",
                    "--golden", Programs.checkout + "/Tests/KafkaProtocolTests/Golden/messages.txt",
                ])
            let status = try await hostile.waitForExit(within: .seconds(400))
            let log = await broker.errors.suffix(2000)
            #expect(status == 0, "\(hostile.lines)\n\(hostile.errors)\n\(log)")
            print(hostile.lines.joined(separator: "\n"))

            for client in [writer, reader] {
                client.signal(SIGTERM)
                #expect(try await client.waitForExit() == 0, "\(client.errors)")
            }
            let found = try BrokerKillTests.load(["read", "--topic", "plain"], bootstrap)
            #expect(try await found.waitForExit() == 0, "\(found.errors)")
            var history = LoadHistory()
            for client in [writer, reader, found] { try history.add(client.lines) }
            let verdict = history.verdict(on: "plain", isFollowed: true)
            #expect(verdict.isClean, "\(verdict.description.prefix(2000))")
            try await broker.stop()
        }
    }
}

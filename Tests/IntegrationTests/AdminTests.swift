import Foundation
import Processes
import Testing

/// What administrators do, by clients that nobody here wrote.
@Suite(.timeLimit(.minutes(2)))
struct AdminTests {
    private struct Seen: Decodable {
        var retention: String
        var altered: String
        var appended: String
        var reset: String
        var node: String
        var partitions: Int
        var low: Int
        var offset: Int
        var groups: Bool
        var state: String
        var deleted: Bool
        var cluster: Int
        /// Of kafka-python only.
        var producers: Int?
        var transactions: [String]?
        var listed: Int?
        var bytes: Bool?
        var left: [Int]?
    }

    @Test(
        "properties, partitions, records, groups and offsets are described, changed and deleted",
        arguments: ["confluent", "kafka-python"])
    func administers(client: String) async throws {
        try await withKafka { bootstrap in
            let script = Programs.checkout + "/Tests/IntegrationTests/Clients/admin.py"
            let child = try ChildProcess(
                Programs.python, [script, client, "--bootstrap", bootstrap, "--topic", "admin-\(UUID())"])
            let status = try await child.waitForExit()
            try #require(status == 0, "\(child.errors)")
            let seen = try JSONDecoder().decode(Seen.self, from: Data((child.lines.last ?? "").utf8))
            #expect(seen.retention == "3600000" && seen.altered == "7200000")
            #expect(seen.appended == "delete,compact" && seen.reset == "delete")
            #expect(seen.node == "14000")
            #expect(seen.partitions == 3 && seen.low == 4 && seen.offset == 7)
            #expect(seen.groups && seen.deleted && seen.state == "Empty")
            #expect(seen.cluster >= 1)
            guard client == "kafka-python" else { return }
            #expect(seen.producers == 1 && seen.transactions == ["Ongoing"] && seen.listed == 1)
            #expect(seen.bytes == true && seen.left == [2])
        }
    }
}

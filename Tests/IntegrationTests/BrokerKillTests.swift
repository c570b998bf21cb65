import Foundation
import Processes
import Testing

@Suite("The broker killed under load", .serialized)
struct BrokerKillTests {
    private struct Acknowledgement: Decodable {
        var acknowledged: Int
        var partition: Int
        var offset: Int
    }

    private struct Place: Hashable {
        var partition: Int
        var offset: Int
    }

    @Test("twenty SIGKILLs lose no acknowledged record, double none, and keep the group's offsets")
    func killedUnderLoad() async throws {
        let kills = Programs.proves ? 200 : 20
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(dataDirectory: folder)
            let bootstrap = await broker.bootstrap
            let topic = "killed"
            try await ForeignClient.createTopic(topic, partitions: 5, bootstrap: bootstrap)
            let producer = try ForeignClient.confluent.python(["stream", "--bootstrap", bootstrap, "--topic", topic])
            let member = try ForeignClient.confluent.member(of: "readers", topic: topic, bootstrap: bootstrap)

            for kill in 1...kills {
                let before = (producer.lines.count, member.lines.count)
                try await eventually("progress before kill \(kill): \(producer.errors)\n\(member.errors)") {
                    producer.lines.count > before.0 + 200 && member.lines.count > before.1 + 10
                }
                try await broker.kill()
                try await broker.restart()
            }

            producer.signal(SIGTERM)
            #expect(try await producer.waitForExit(within: .seconds(120)) == 0, "\(producer.errors)")
            member.signal(SIGTERM)
            #expect(try await member.waitForExit() == 0, "\(member.errors)")

            let acknowledged = try producer.lines.map {
                try JSONDecoder().decode(Acknowledgement.self, from: Data($0.utf8))
            }
            try await expectAllThere(acknowledged, topic: topic, bootstrap: bootstrap)
            expectCommitsHeld(by: member)
            try await broker.stop()
        }
    }

    /// Every acknowledged number is at the place of its acknowledgement, and no number is there twice.
    private func expectAllThere(_ acknowledged: [Acknowledgement], topic: String, bootstrap: String) async throws {
        let reader = try ChildProcess(
            Programs.kcat, ["-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%p %o %s\n"])
        #expect(try await reader.waitForExit() == 0, "\(reader.errors)")
        var log: [Place: Int] = [:]
        for line in reader.lines {
            let fields = line.split(separator: " ").compactMap { Int($0) }
            log[Place(partition: fields[0], offset: fields[1])] = fields[2]
        }
        let lost = acknowledged.filter { log[Place(partition: $0.partition, offset: $0.offset)] != $0.acknowledged }
        #expect(lost.isEmpty, "\(lost.count) of \(acknowledged.count) acknowledged are gone, such as \(lost.prefix(3))")
        let doubled = Dictionary(grouping: log.values, by: { $0 }).filter { $0.value.count > 1 }.keys
        #expect(doubled.isEmpty, "doubled: \(doubled.sorted().prefix(5))")
        #expect(acknowledged.count > 1000)
    }

    /// After an acknowledged commit the member never reads an earlier record of that partition again.
    private func expectCommitsHeld(by member: ChildProcess) {
        var committed: [Int: Int] = [:]
        for report in MemberReport.parse(member.lines) {
            if let offset = report.committed, let partition = report.on {
                committed[partition] = max(offset, committed[partition] ?? 0)
            } else if let offset = report.offset, let partition = report.partition {
                #expect(offset >= committed[partition] ?? 0, "partition \(partition) fell back to \(offset)")
            }
        }
    }
}

import Foundation
import Processes
import Testing

/// A compacted topic as clients that nobody here wrote see it.
@Suite(.timeLimit(.minutes(2)), .serialized)
struct CompactionTests {
    private struct Seen: Decodable {
        var end: Int
        var records: [Record]

        struct Record: Decodable {
            var offset: Int
            var key: String?
            var value: String?

            init(from decoder: any Decoder) throws {
                var fields = try decoder.unkeyedContainer()
                offset = try fields.decode(Int.self)
                key = try fields.decode(String?.self)
                value = try fields.decode(String?.self)
            }
        }
    }

    @Test(
        "one record stays for each key, under its offset, and readers of committed records come to the end",
        arguments: [ForeignClient.confluent, .aiokafka])
    func check(_ client: ForeignClient) async throws {
        try await withKafka(configuration: ["log.cleaner.backoff.ms": "100"]) { bootstrap in
            let child = try client.python(
                ["--bootstrap", bootstrap, "--topic", "compacted-\(UUID())"], script: "compaction.py")
            let status = try await child.waitForExit()
            try #require(status == 0, "\(child.errors)")
            let seen = try JSONDecoder().decode(Seen.self, from: Data((child.lines.last ?? "").utf8))
            // 60 rounds of 20 keys, three tombstones, twenty aborted records and their marker.
            #expect(seen.end == 1224)
            let keys = Array(3..<20) + Array(0..<3)
            #expect(seen.records.map(\.key) == keys.map { "key-\($0)" })
            #expect(seen.records.map(\.offset) == keys.map { $0 < 3 ? 1200 + $0 : 1180 + $0 })
            #expect(seen.records.map(\.value) == keys.map { $0 < 3 ? nil : "59" })
        }
    }
}

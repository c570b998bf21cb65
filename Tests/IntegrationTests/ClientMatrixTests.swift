import Foundation
import Processes
import Testing

@Suite("What one client writes, every other reads")
struct ClientMatrixTests {
    static let codecs = ["none", "gzip", "snappy", "lz4", "zstd"]

    /// Keys, values and headers with and without content; enough alike that compression has something to do.
    static let samples: [SampleRecord] =
        (0..<40).map { number in
            SampleRecord(
                key: Array("key-\(number % 7)".utf8), value: Array("the same words again and again: \(number)".utf8),
                headers: [.init(name: "trace", value: Array("abc".utf8))])
        } + [
            SampleRecord(
                key: nil, value: Array("no key".utf8), headers: [.init(name: "trace", value: Array("abc".utf8))]),
            SampleRecord(
                key: Array("tombstone".utf8), value: nil, headers: [.init(name: "trace", value: Array("abc".utf8))]),
        ]

    /// What only clients with an API for it can send: binary keys, a header without a value.
    static let binarySamples = [
        SampleRecord(
            key: Array(0...255), value: [0, 10, 124, 255],
            headers: [
                .init(name: "twice", value: [1]), .init(name: "twice", value: [2]), .init(name: "none", value: nil),
            ])
    ]

    @Test("in every codec, with keys, nulls and headers", arguments: ForeignClient.allCases, codecs)
    func matrix(writer: ForeignClient, codec: String) async throws {
        try await withKafka { bootstrap in
            let topic = "matrix-\(UUID())"
            try await ForeignClient.createTopic(topic, partitions: 3, bootstrap: bootstrap)
            let records = Self.samples + (writer == .kcat ? [] : Self.binarySamples)
            try await writer.produce(records, to: topic, codec: codec, bootstrap: bootstrap)
            for reader in ForeignClient.allCases where reader != .kcat || writer == .kcat {
                let read = try await reader.consume(records.count, from: topic, bootstrap: bootstrap)
                let (missing, invented) = difference(records, read)
                #expect(missing.isEmpty && invented.isEmpty, "\(reader): missing \(missing), invented \(invented)")
            }
        }
    }

    private func difference(_ wanted: [SampleRecord], _ found: [SampleRecord]) -> ([SampleRecord], [SampleRecord]) {
        var counts = Dictionary(grouping: wanted, by: { $0 }).mapValues(\.count)
        for record in found { counts[record, default: 0] -= 1 }
        return (counts.filter { $0.value > 0 }.map(\.key), counts.filter { $0.value < 0 }.map(\.key))
    }
}

import Foundation
import Processes

/// A record as the clients exchange it in these tests, without its place in the log.
struct SampleRecord: Hashable, Sendable, CustomStringConvertible {
    var key: [UInt8]?
    var value: [UInt8]?
    var headers: [Header] = []

    struct Header: Hashable, Sendable {
        var name: String
        var value: [UInt8]?
    }

    var description: String {
        func text(_ bytes: [UInt8]?) -> String {
            bytes.map { String(decoding: $0.prefix(40), as: UTF8.self) } ?? "null"
        }
        return "\(text(key))=\(text(value)) \(headers.map { "\($0.name):\(text($0.value))" })"
    }
}

/// Kafka clients that nobody here wrote, driven as programs.
enum ForeignClient: String, CaseIterable, Sendable {
    case kcat, confluent, aiokafka

    func produce(_ records: [SampleRecord], to topic: String, codec: String, bootstrap: String) async throws {
        let child: ChildProcess
        switch self {
        case .kcat:
            child = try ChildProcess(
                Programs.kcat,
                ["-P", "-b", bootstrap, "-t", topic, "-z", codec, "-K", "|", "-Z", "-X", "acks=all"]
                    + records[0].headers.flatMap { ["-H", "\($0.name)=\(text($0.value))"] })
            try child.send(records.map { ($0.key.map { text($0) + "|" } ?? "") + text($0.value) + "\n" }.joined())
        case .confluent, .aiokafka:
            child = try python(["produce", "--bootstrap", bootstrap, "--topic", topic, "--codec", codec])
            try child.send(records.map { try json($0) + "\n" }.joined())
        }
        let status = try await child.waitForExit()
        guard status == 0 else {
            throw ChildProcess.Failure(description: "\(rawValue) could not produce: \(status)\n\(child.errors)")
        }
    }

    func consume(_ count: Int, from topic: String, bootstrap: String) async throws -> [SampleRecord] {
        let child: ChildProcess
        switch self {
        case .kcat:
            child = try ChildProcess(
                Programs.kcat,
                ["-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-J", "-X", "check.crcs=true"])
        case .confluent, .aiokafka:
            child = try python([
                "consume", "--bootstrap", bootstrap, "--topic", topic, "--count", "\(count)",
                "--group", "readers-\(UUID())",
            ])
        }
        let status = try await child.waitForExit()
        guard status == 0 else {
            throw ChildProcess.Failure(description: "\(rawValue) could not consume: \(status)\n\(child.errors)")
        }
        return try child.lines.map { self == .kcat ? try Self.kcatRecord($0) : try Self.record($0) }
    }

    /// A process that joins `group` and reports what it is assigned, reads and commits.
    func member(of group: String, topic: String, bootstrap: String, instance: String? = nil) throws -> ChildProcess {
        try python(
            ["member", "--bootstrap", bootstrap, "--topic", topic, "--group", group]
                + (instance.map { ["--instance", $0] } ?? []))
    }

    static func createTopic(
        _ topic: String, partitions: Int, configuration: [String] = [], bootstrap: String
    ) async throws {
        let child = try ForeignClient.confluent.python(
            ["create", "--bootstrap", bootstrap, "--topic", topic, "--partitions", "\(partitions)"]
                + configuration.flatMap { ["--config", $0] })
        guard try await child.waitForExit() == 0 else {
            throw ChildProcess.Failure(description: "could not create \(topic): \(child.errors)")
        }
    }

    func python(_ arguments: [String], script: String = "client.py") throws -> ChildProcess {
        let path = Programs.checkout + "/Tests/IntegrationTests/Clients/" + script
        return try ChildProcess(Programs.python, [path, rawValue] + arguments)
    }

    private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
}

/// Records on the wire between the tests and the scripts.
extension ForeignClient {
    private struct WireRecord: Codable {
        var key: Data?
        var value: Data?
        var headers: [[String?]]
    }

    private func json(_ record: SampleRecord) throws -> String {
        func packed(_ bytes: [UInt8]?) -> Any { bytes.map { Data($0).base64EncodedString() as Any } ?? NSNull() }
        let object: [String: Any] = [
            "key": packed(record.key), "value": packed(record.value),
            "headers": record.headers.map { [$0.name as Any, packed($0.value)] },
        ]
        return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }

    static func record(_ line: String) throws -> SampleRecord {
        let wire = try JSONDecoder().decode(WireRecord.self, from: Data(line.utf8))
        return SampleRecord(
            key: wire.key.map(Array.init), value: wire.value.map(Array.init),
            headers: wire.headers.map { pair in
                .init(
                    name: (pair.first ?? nil) ?? "",
                    value: pair.last.flatMap { $0 }.flatMap { Data(base64Encoded: $0) }.map(Array.init))
            })
    }

    private struct KcatRecord: Decodable {
        var key: String?
        var payload: String?
        var headers: [String?]?
    }

    private static func kcatRecord(_ line: String) throws -> SampleRecord {
        let record = try JSONDecoder().decode(KcatRecord.self, from: Data(line.utf8))
        let flat = record.headers ?? []
        let headers = stride(from: 0, to: flat.count, by: 2).map { index in
            SampleRecord.Header(name: flat[index] ?? "", value: flat[index + 1].map { Array($0.utf8) })
        }
        return SampleRecord(
            key: record.key.map { Array($0.utf8) }, value: record.payload.map { Array($0.utf8) }, headers: headers)
    }
}

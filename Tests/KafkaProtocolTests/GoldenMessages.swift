import Foundation
import KafkaProtocol
import NIOCore
import Testing

/// What an independent implementation makes of every message: Golden/messages.txt, made by Golden/make_messages.py.
struct GoldenMessage: Sendable, CustomTestStringConvertible {
    let name: String
    let version: Int16
    let isFull: Bool
    let bytes: ByteBuffer
    let fields: String

    var testDescription: String { "\(name) \(version)" }
    var message: AnyMessage? { AnyMessage.all.first { $0.name == name } }

    static let all: [GoldenMessage] = lines(of: "messages").flatMap { line -> [GoldenMessage] in
        let parts = line.split(separator: " ", maxSplits: 5)
        guard parts.count == 6, let first = Int16(parts[1]), let last = Int16(parts[2]) else { return [] }
        return (first...last).map { version in
            GoldenMessage(
                name: String(parts[0]), version: version, isFull: parts[3] == "full",
                bytes: KafkaProtocolTests.bytes(hex: parts[4]),
                fields: String(parts[5]))
        }
    }
}

func lines(of name: String) -> [Substring] {
    guard let url = Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "Golden"),
        let text = try? String(contentsOf: url, encoding: .utf8)
    else { return [] }
    return text.split(separator: "\n")
}

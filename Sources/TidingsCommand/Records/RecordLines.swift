import FoundationEssentials
import KafkaClient
import Tidings

/// Prints records as lines, as the options of `consume` say.
struct RecordLines {
    private let command: ConsumeCommand
    private let pipe = OutputPipe()
    private let isForPeople = Terminal.output.isInteractive
    private let encoder: JSONEncoder

    /// How many were printed.
    private(set) var count: Int64 = 0
    /// Where the last batch's records that were printed end.
    private(set) var next: Int64?

    init(_ command: ConsumeCommand) {
        self.command = command
        encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// Prints the records of a batch that stand before `end`, as many as are wanted.
    ///
    /// - Returns: whether there are as many as are wanted.
    mutating func write(_ batch: ConsumerBatch, upTo end: Int64) async throws -> Bool {
        var bytes: [UInt8] = []
        next = nil
        for record in batch where record.offset < end {
            if let max = command.max, count >= max { break }
            try append(Delivery(record), to: &bytes)
            count += 1
            next = record.offset + 1
        }
        if !bytes.isEmpty { try await pipe.write(bytes) }
        return command.max.map { count >= $0 } ?? false
    }

    private func append(_ record: Delivery, to bytes: inout [UInt8]) throws {
        if command.json.isJSON {
            bytes += try encoder.encode(RecordLine(record))
        } else if command.events {
            appendEvent(record, to: &bytes)
        } else {
            if command.offsets {
                let time = record.timestamp?.rfc3339 ?? "-"
                bytes += "\(record.topic)[\(record.partition)]\t\(record.offset)\t\(time)\t".utf8
            }
            if command.keys {
                append(record.key, to: &bytes)
                bytes.append(UInt8(ascii: "\t"))
            }
            if command.headers {
                for (index, header) in record.headers.enumerated() {
                    if index > 0 { bytes.append(UInt8(ascii: ",")) }
                    append(Array(header.name.utf8), to: &bytes)
                    bytes.append(UInt8(ascii: "="))
                    append(header.value, to: &bytes)
                }
                bytes.append(UInt8(ascii: "\t"))
            }
            append(record.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private func appendEvent(_ record: Delivery, to bytes: inout [UInt8]) {
        let time = record.time ?? record.timestamp
        for field in [time?.rfc3339 ?? "-", record.type ?? "-", record.eventID?.rawValue ?? "-"] {
            append(Array(field.utf8), to: &bytes)
            bytes.append(UInt8(ascii: "\t"))
        }
        append(record.key, to: &bytes)
        bytes.append(UInt8(ascii: "\t"))
        append(record.data, to: &bytes)
    }

    /// As they are for a program; for people nothing that a terminal would obey.
    private func append(_ field: [UInt8]?, to bytes: inout [UInt8]) {
        guard isForPeople else { return bytes += field ?? [] }
        bytes += (field.map { readable($0) } ?? Terminal.output.styled("none", .faint)).utf8
    }
}

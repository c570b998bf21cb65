import Tidings

/// An event as one message in PostgreSQL's log: a byte that says how it is written (1), then the event's id, topic, key,
/// headers (``/KafkaClient/RecordHeaders/bytes``) and value, each after its length as 32 bits big-endian; -1 where there is none.
enum LogMessage {
    private static let version: UInt8 = 1

    static func encode(_ record: EventRecord) -> [UInt8] {
        let headers = record.headerBytes
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            record.size + headers.count + record.eventID.rawValue.utf8.count + record.topic.utf8.count + 21)
        bytes.append(version)
        append(record.eventID.rawValue.utf8, to: &bytes)
        append(record.topic.utf8, to: &bytes)
        append(record.key, to: &bytes)
        append(headers, to: &bytes)
        append(record.value, to: &bytes)
        return bytes
    }

    /// - Throws: ``/Tidings/TidingsError/Code/cannotDecode`` when the bytes are not what `encode` makes.
    static func decode(_ bytes: UnsafeRawBufferPointer) throws -> EventRecord {
        var rest = Rest(bytes: bytes, position: 1)
        guard bytes.first == version, let id = rest.next() ?? nil, let topic = rest.next() ?? nil,
            let key = rest.next(), let headers = rest.next() ?? nil, let value = rest.next(),
            rest.position == bytes.count,
            let idText = String(validating: id, as: UTF8.self), let topicText = String(validating: topic, as: UTF8.self)
        else { throw TidingsError(.cannotDecode, "a message in the database's log is no event of this version") }
        return try EventRecord(
            eventID: EventID(rawValue: idText), topic: topicText, key: key.map { Array($0) }, headerBytes: headers,
            value: value.map { Array($0) })
    }

    private static func append(_ part: (some Collection<UInt8>)?, to bytes: inout [UInt8]) {
        let length = part.map { Int32($0.count) } ?? -1
        withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
        if let part { bytes.append(contentsOf: part) }
    }

    private struct Rest {
        let bytes: UnsafeRawBufferPointer
        var position: Int

        /// The next part: nil when damaged, a nil inside when there is none.
        mutating func next() -> UnsafeRawBufferPointer?? {
            guard bytes.count - position >= 4 else { return nil }
            let length = Int32(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int32.self))
            position += 4
            if length == -1 { return .some(nil) }
            guard length >= 0, bytes.count - position >= Int(length) else { return nil }
            defer { position += Int(length) }
            return .some(UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)]))
        }
    }
}

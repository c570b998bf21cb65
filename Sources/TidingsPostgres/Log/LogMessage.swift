import Tidings

/// Events as one message in PostgreSQL's log: a byte that says whether it is one (1) or several of a transaction (2), then of
/// each its id, topic, key, headers (``/KafkaClient/RecordHeaders/bytes``) and value, each after its length as 32 bits
/// big-endian; -1 where there is none.
///
/// The server decodes and sends message by message: what travels together costs it little more than one of them.
struct LogMessage {
    /// A message takes no further event once it has so many bytes.
    private static let fullSize = 64 * 1024

    private(set) var bytes: [UInt8]

    init(_ record: EventRecord) {
        bytes = []
        bytes.reserveCapacity(Self.size(of: record) + 1)
        bytes.append(1)
        write(record)
    }

    /// Adds an event behind the others; false when it is full.
    mutating func append(_ record: EventRecord) -> Bool {
        guard bytes.count + Self.size(of: record) <= Self.fullSize else { return false }
        bytes[0] = 2
        write(record)
        return true
    }

    private static func size(of record: EventRecord) -> Int {
        record.eventID.rawValue.utf8.count + record.topic.utf8.count + (record.key?.count ?? 0)
            + record.headerBytes.count + (record.value?.count ?? 0) + 20
    }

    private mutating func write(_ record: EventRecord) {
        write(record.eventID.rawValue.utf8)
        write(record.topic.utf8)
        write(record.key)
        write(record.headerBytes)
        write(record.value)
    }

    private mutating func write(_ part: (some Collection<UInt8>)?) {
        let length = part.map { Int32($0.count) } ?? -1
        withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
        if let part { bytes.append(contentsOf: part) }
    }

    /// Reads a message, event by event.
    ///
    /// - Throws: ``/Tidings/TidingsError/Code/cannotDecode`` when the bytes are no such message.
    static func decode(_ bytes: UnsafeRawBufferPointer, _ receive: (EventRecord) -> Void) throws {
        var rest = Rest(bytes: bytes, position: 1)
        var count = 0
        while rest.position < bytes.count {
            guard let id = rest.next() ?? nil, let topic = rest.next() ?? nil, let key = rest.next(),
                let headers = rest.next() ?? nil, let value = rest.next(),
                let idText = String(validating: id, as: UTF8.self),
                let topicText = String(validating: topic, as: UTF8.self)
            else { throw unreadable }
            receive(
                try EventRecord(
                    eventID: EventID(rawValue: idText), topic: topicText, key: key.map { Array($0) },
                    headerBytes: headers, value: value.map { Array($0) }))
            count += 1
        }
        guard bytes.first == 1 && count == 1 || bytes.first == 2 && count > 1 else { throw unreadable }
    }

    private static let unreadable = TidingsError(
        .cannotDecode, "a message in the database's log holds no events of this version")

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

import FoundationEssentials
import KafkaClient
import Tidings

/// A record as one line of JSON: what `consume --json` prints, and `produce --json` takes.
///
/// Bytes that are text stand there as text, others in base 64 under a name with `Base64` behind it. In a line to be
/// produced `value` may also be an object, an array or a number, which becomes the record's value as JSON, and
/// `headers` an object.
struct RecordLine: Encodable {
    /// The event in a CloudEvents envelope.
    struct DecodedEvent: Encodable {
        var id: String
        var type: String?
        var source: String?
        var time: String?
        var contentType: String?
        var data: JSONValue?
        var dataBase64: String?
    }

    var topic: String?
    var partition: Int32?
    var offset: Int64?
    var timestamp: JSONValue?
    var key: String?
    var keyBase64: String?
    var headers: JSONValue?
    var value: JSONValue?
    var valueBase64: String?
    var event: DecodedEvent?

    init(_ record: Delivery) {
        topic = record.topic
        partition = record.partition
        offset = record.offset
        timestamp = record.timestamp.map { .text($0.rfc3339) }
        (key, keyBase64) = Self.split(record.key)
        let (text, base64) = Self.split(record.value)
        value = text.map { .text($0) } ?? (record.value == nil ? .null : nil)
        valueBase64 = base64
        if !record.headers.isEmpty {
            headers = .array(
                record.headers.map { header in
                    let (text, base64) = Self.split(header.value)
                    var fields: [String: JSONValue] = ["name": .text(header.name)]
                    if let base64 {
                        fields["valueBase64"] = .text(base64)
                    } else {
                        fields["value"] = text.map { .text($0) }
                    }
                    return .object(fields)
                })
        }
        event = DecodedEvent(record)
    }

    private static func split(_ bytes: [UInt8]?) -> (text: String?, base64: String?) {
        guard let bytes else { return (nil, nil) }
        if let text = String(validating: bytes, as: UTF8.self) { return (text, nil) }
        return (nil, Data(bytes).base64EncodedString())
    }
}

extension RecordLine.DecodedEvent {
    /// Nil for a record without an envelope.
    init?(_ record: Delivery) {
        guard let id = record.eventID else { return nil }
        self.id = id.rawValue
        type = record.type
        source = record.source
        time = record.time?.rfc3339
        contentType = record.contentType
        guard let bytes = record.data else { return }
        if let json = JSONValue(bytes) {
            data = json
        } else if let text = String(validating: bytes, as: UTF8.self) {
            data = .text(text)
        } else {
            dataBase64 = Data(bytes).base64EncodedString()
        }
    }
}

extension ProducerMessage {
    /// The record that a line of JSON describes.
    ///
    /// - Throws: ``RecordLine/Mistake``, which says what is wrong with it.
    init(topic: String, _ line: RecordLine, keepsPartition: Bool) throws {
        self.init(
            topic: topic, partition: keepsPartition ? line.partition : nil,
            key: try RecordLine.bytes(line.key.map { .text($0) }, line.keyBase64, "key"),
            value: try RecordLine.bytes(line.value, line.valueBase64, "value"),
            headers: RecordHeaders(try RecordLine.headers(line.headers)), timestamp: try RecordLine.time(line.timestamp)
        )
    }
}

/// What a line tells of the event it prints beside the record, and takes none of that back.
extension RecordLine: Decodable {
    init(from decoder: any Decoder) throws {
        for field in try decoder.container(keyedBy: AnyField.self).allKeys
        where CodingKeys(stringValue: field.stringValue) == nil {
            throw Mistake(
                description:
                    "has a field '\(readable(field.stringValue))' that no record has; see 'tidings produce --help'")
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        guard [.key, .keyBase64, .value, .valueBase64].contains(where: fields.contains) else {
            throw Mistake(description: "has neither a key nor a value")
        }
        topic = try fields.decodeIfPresent(String.self, forKey: .topic)
        partition = try fields.decodeIfPresent(Int32.self, forKey: .partition)
        offset = try fields.decodeIfPresent(Int64.self, forKey: .offset)
        timestamp = try fields.decodeIfPresent(JSONValue.self, forKey: .timestamp)
        key = try fields.decodeIfPresent(String.self, forKey: .key)
        keyBase64 = try fields.decodeIfPresent(String.self, forKey: .keyBase64)
        headers = try fields.decodeIfPresent(JSONValue.self, forKey: .headers)
        value = try fields.decodeIfPresent(JSONValue.self, forKey: .value)
        valueBase64 = try fields.decodeIfPresent(String.self, forKey: .valueBase64)
    }

    private struct AnyField: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension RecordLine {
    struct Mistake: Error, CustomStringConvertible {
        var description: String
    }

    /// Reads a line.
    ///
    /// - Throws: ``Mistake``.
    init(_ line: some Collection<UInt8>) throws {
        do {
            self = try JSONDecoder().decode(RecordLine.self, from: Data(line))
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw Mistake(
                description: field.isEmpty
                    ? "is no JSON object" : "has a '\(field)' of the wrong kind; see 'tidings produce --help'")
        } catch DecodingError.dataCorrupted(let context) {
            throw context.underlyingError as? Mistake ?? Mistake(description: "is no JSON")
        } catch is DecodingError {
            throw Mistake(description: "is no JSON")
        }
    }

    fileprivate static func bytes(_ value: JSONValue?, _ base64: String?, _ name: String) throws -> [UInt8]? {
        if let base64 {
            guard let data = Data(base64Encoded: base64) else {
                throw Mistake(description: "has no base 64 in '\(name)Base64'")
            }
            return Array(data)
        }
        switch value {
        case nil, .null: return nil
        case .text(let text): return Array(text.utf8)
        case let value?: return try value.bytes
        }
    }

    fileprivate static func headers(_ value: JSONValue?) throws -> [RecordHeader] {
        switch value {
        case nil, .null:
            return []
        case .object(let fields):
            return try fields.sorted { $0.key < $1.key }.map {
                RecordHeader($0.key, try bytes($0.value, nil, "headers"))
            }
        case .array(let list):
            return try list.map { entry in
                guard case .object(let fields) = entry, case .text(let name)? = fields["name"] else {
                    throw Mistake(
                        description: "has 'headers' that are neither an object nor a list of names and values")
                }
                var base64: String?
                if case .text(let text)? = fields["valueBase64"] { base64 = text }
                return RecordHeader(name, try bytes(fields["value"], base64, "headers.value"))
            }
        default:
            throw Mistake(description: "has 'headers' that are neither an object nor a list of names and values")
        }
    }

    fileprivate static func time(_ value: JSONValue?) throws -> Int64? {
        switch value {
        case nil, .null: return nil
        case .integer(let milliseconds): return milliseconds
        case .text(let text):
            if let time = Timestamp(rfc3339: text) { return time.millisecondsSince1970 }
            fallthrough
        default:
            throw Mistake(
                description:
                    "has a 'timestamp' that is neither milliseconds since 1970 nor a time as 2026-11-27T10:00:00Z")
        }
    }
}

import FoundationEssentials
import Tidings

/// A parked or skipped event as `list` and `show` print it.
struct EventReport: Encodable {
    /// Bytes: as text if they are UTF-8, otherwise in base 64.
    struct Bytes: Encodable {
        var text: String?
        var base64: String?

        init(_ bytes: [UInt8]) {
            text = String(validating: bytes, as: UTF8.self)
            if text == nil { base64 = Data(bytes).base64EncodedString() }
        }
    }

    struct Header: Encodable {
        var name: String
        var value: Bytes?
    }

    var number: Int64
    var event: String
    var topic: String
    var key: Bytes?
    var appendedAt: String
    var parkedAt: String
    var reason: String
    var isBehind: Bool
    var parkedBehindIt: Int?
    var skippedAt: String?
    var note: String?
    var headers: [Header]?
    var value: Bytes?

    private let record: EventRecord

    private enum CodingKeys: CodingKey {
        case number, event, topic, key, appendedAt, parkedAt, reason, isBehind, parkedBehindIt, skippedAt, note, headers
        case value
    }

    init(_ parked: ParkedEvent) {
        record = parked.record
        number = parked.sequence
        event = record.eventID.rawValue
        topic = record.topic
        key = record.key.map(Bytes.init)
        appendedAt = parked.appendedAt.rfc3339
        parkedAt = parked.parkedAt.rfc3339
        reason = parked.reason
        isBehind = parked.isBehind
        headers = record.headers.map { Header(name: $0.name, value: $0.value.map(Bytes.init)) }
        value = record.value.map(Bytes.init)
    }

    init(_ skipped: SkippedEvent) {
        self.init(skipped.event)
        skippedAt = skipped.skippedAt.rfc3339
        note = skipped.note
    }

    /// What a list shows.
    var withoutContent: EventReport {
        var report = self
        (report.headers, report.value) = (nil, nil)
        return report
    }

    /// What a row of a list shows.
    var row: [String] {
        [
            "\(number)", skippedAt ?? parkedAt, topic, readable(record.key, limit: 24), event,
            note ?? reason,
        ]
    }

    var text: String {
        var rows = [
            ["number", "\(number)"], ["event", event], ["topic", topic], ["key", readable(record.key)],
            ["appended", appendedAt], ["parked", parkedAt], ["reason", reason],
        ]
        if let parkedBehindIt, parkedBehindIt > 0 { rows.append(["behind it", "\(parkedBehindIt) of its key"]) }
        for header in record.headers { rows.append(["header", "\(header.name): \(readable(header.value))"]) }
        rows.append(["value", record.value.map { "\($0.count) bytes" } ?? "none: a tombstone"])
        return table(rows) + (record.value.map { "\n\(readable($0, limit: 10_000))\n" } ?? "")
    }
}

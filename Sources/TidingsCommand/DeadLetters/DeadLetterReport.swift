import FoundationEssentials
import Tidings

/// A parked or skipped record as `list` and `show` print it.
struct DeadLetterReport: Encodable {
    var number: Int64
    var group: String
    var topic: String
    var partition: Int32
    var offset: Int64
    var event: String?
    var type: String?
    var key: EventReport.Bytes?
    var parkedAt: String
    var reason: String
    var attempts: Int
    var isBehind: Bool
    var isRetrying: Bool
    var parkedBehindIt: Int?
    var skippedAt: String?
    var note: String?
    var headers: [EventReport.Header]?
    var value: EventReport.Bytes?

    private let record: ParkedRecord

    private enum CodingKeys: CodingKey {
        case number, group, topic, partition, offset, event, type, key, parkedAt, reason, attempts, isBehind, isRetrying
        case parkedBehindIt, skippedAt, note, headers, value
    }

    init(_ letter: DeadLetter) {
        record = letter.record
        let delivery = Delivery(
            topic: record.place.topic, partition: record.place.partition, offset: record.offset, key: record.key,
            value: record.value, headers: record.headers)
        number = letter.number
        group = record.place.group
        topic = record.place.topic
        partition = record.place.partition
        offset = record.offset
        event = delivery.eventID?.rawValue
        type = delivery.type
        key = record.key.map(EventReport.Bytes.init)
        parkedAt = letter.parkedAt.rfc3339
        reason = record.reason
        attempts = record.attempts
        isBehind = letter.isBehind
        isRetrying = letter.isRetrying
        headers = record.headers.map { EventReport.Header(name: $0.name, value: $0.value.map(EventReport.Bytes.init)) }
        value = record.value.map(EventReport.Bytes.init)
    }

    init(_ skipped: SkippedDeadLetter) {
        self.init(skipped.letter)
        skippedAt = skipped.skippedAt.rfc3339
        note = skipped.note
    }

    /// What a list shows.
    var withoutContent: DeadLetterReport {
        var report = self
        (report.headers, report.value) = (nil, nil)
        return report
    }

    private var place: String { "\(topic)-\(partition) at \(offset)" }

    /// What a row of a list shows.
    var row: [String] {
        [
            "\(number)", skippedAt ?? parkedAt, group, place, readable(record.key, limit: 24), "\(attempts)",
            note ?? (isRetrying ? "to be retried; " : "") + reason,
        ]
    }

    var text: String {
        var rows = [
            ["number", "\(number)"], ["group", group], ["place", place], ["event", event ?? "none: no envelope"],
            ["type", type ?? "none"], ["key", readable(record.key)], ["parked", parkedAt], ["reason", reason],
            ["attempts", "\(attempts)"], ["to be retried", isRetrying ? "yes" : "no"],
        ]
        if let parkedBehindIt, parkedBehindIt > 0 { rows.append(["behind it", "\(parkedBehindIt) of its key"]) }
        for header in record.headers { rows.append(["header", "\(header.name): \(readable(header.value))"]) }
        rows.append(["value", record.value.map { "\($0.count) bytes" } ?? "none: a tombstone"])
        return table(rows) + (record.value.map { "\n\(readable($0, limit: 10_000))\n" } ?? "")
    }
}

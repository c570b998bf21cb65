import Tidings

/// Values as people read them.
enum Readable {
    /// `1 Mar 2026, 12:34:56` (in UTC) for a time in RFC 3339; what is none stays as it is.
    static func time(_ text: String) -> String {
        guard let moment = Timestamp(rfc3339: text)?.rfc3339 else { return text }
        let day = moment.prefix(10).split(separator: "-")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard day.count == 3, let month = Int(day[1]), (1...12).contains(month), let number = Int(day[2]) else {
            return text
        }
        return "\(number) \(months[month - 1]) \(day[0]), \(clock(moment))"
    }

    /// `12:34:56` for a time in RFC 3339.
    static func clock(_ moment: String) -> String { String(moment.dropFirst(11).prefix(8)) }

    /// `1 event`, `12,345 events`
    static func count(_ number: some BinaryInteger, _ thing: String) -> String {
        "\(number.grouped()) \(thing)\(number == 1 ? "" : "s")"
    }

    /// `partition 3`, `partitions 1, 2`
    static func partitions(_ numbers: [Int]) -> String {
        "\(numbers.count == 1 ? "partition" : "partitions") \(numbers.map(String.init).joined(separator: ", "))"
    }

    /// What somebody typed, to be repeated to them: its beginning.
    static func short(_ text: String) -> String { text.count > 60 ? "\(text.prefix(60))…" : text }

    /// With a capital letter in front.
    static func title(_ words: String) -> String { words.prefix(1).uppercased() + words.dropFirst() }

    /// `under 1 ms`, `12 ms`, `3.4 s`, `5 min`
    static func duration(milliseconds: Int64) -> String {
        switch milliseconds {
        case ..<0: "–"
        case 0: "under 1 ms"
        case ..<1000: "\(milliseconds) ms"
        case ..<60_000: "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
        default: "\((milliseconds / 60_000).grouped()) min"
        }
    }
}

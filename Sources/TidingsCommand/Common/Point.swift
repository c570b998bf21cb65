import ArgumentParser
import KafkaClient
import Tidings

/// A point of a log as it is written on the command line.
struct Point: Written, Hashable, Sendable {
    let point: LogPoint
    private let text: String

    static let forms = """
        beginning, end, an offset (1200, or -10 before the end), a time (2026-11-27T10:00:00Z, or a day alone) or how \
        long ago (30s, 10m, 2h, 3d)
        """

    static let beginning = Point(point: .beginning, text: "beginning")

    static let help = """
        POINTS
          beginning, end            where the log begins, and behind its last record
          1200, -10                 an offset; ten offsets before the end
          2026-11-27T10:00:00Z      the first record of that time or later (RFC 3339)
          2026-11-27                the same, at midnight UTC
          30s, 10m, 2h, 3d          the first record of so long ago or later
        """

    init?(argument: String) {
        self.init(argument, now: .now())
    }

    private init(point: LogPoint, text: String) {
        (self.point, self.text) = (point, text)
    }

    init?(_ text: String, now: Timestamp) {
        switch text {
        case "beginning", "earliest": self.init(point: .beginning, text: text)
        case "end", "latest": self.init(point: .end, text: text)
        default:
            if let number = Int64(text) {
                self.init(point: number < 0 || text.first == "-" ? .beforeEnd(-number) : .offset(number), text: text)
            } else if let time = Timestamp(rfc3339: text) ?? Timestamp(rfc3339: text + "T00:00:00Z") {
                self.init(point: .time(time.millisecondsSince1970), text: text)
            } else if let age = Duration(argument: text) {
                self.init(point: .time(now.advanced(by: .zero - age).millisecondsSince1970), text: text)
            } else {
                return nil
            }
        }
    }

    var defaultValueDescription: String { text }
}

extension Duration: Written, @retroactive ExpressibleByArgument {
    static let forms = "a whole number with its unit: 30s, 10m, 2h or 3d"

    /// A whole number with its unit: `30s`, `10m`, `2h`, `3d`.
    public init?(argument: String) {
        guard let unit = argument.last, let count = Int64(argument.dropLast()), count >= 0 else { return nil }
        let seconds: Int64? = ["s": 1, "m": 60, "h": 3600, "d": 86_400][unit]
        guard let seconds, case (let total, false) = count.multipliedReportingOverflow(by: seconds) else { return nil }
        // What is older than that is older than Kafka.
        self = .seconds(min(total, 3_000_000_000))
    }
}

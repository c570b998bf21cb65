/// RFC 3339, the text form of CloudEvents' `time`.
extension Timestamp {
    /// The moment in UTC with milliseconds, for example `2025-06-30T13:26:40.123Z`.
    public var rfc3339: String {
        let day = millisecondsSince1970.flooredQuotient(by: 86_400_000)
        let milliseconds = millisecondsSince1970 - day * 86_400_000
        let (year, month, dayOfMonth) = Timestamp.civil(fromDays: day)
        return String(unsafeUninitializedCapacity: 44) { text in
            var writer = DigitWriter(text: text)
            writer.number(year, digits: 4, then: "-")
            writer.number(month, digits: 2, then: "-")
            writer.number(dayOfMonth, digits: 2, then: "T")
            writer.number(milliseconds / 3_600_000, digits: 2, then: ":")
            writer.number(milliseconds / 60_000 % 60, digits: 2, then: ":")
            writer.number(milliseconds / 1000 % 60, digits: 2, then: ".")
            writer.number(milliseconds % 1000, digits: 3, then: "Z")
            return writer.count
        }
    }

    /// Reads RFC 3339 with any offset and any number of fractional digits (those beyond milliseconds are dropped);
    /// nil when the text is something else.
    public init?(rfc3339 text: String) {
        var reader = DigitReader(text.utf8)
        guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2), reader.skip("T") || reader.skip("t") || reader.skip(" "),
            let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), reader.skip(":"),
            let second = reader.number(2), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        let fraction = reader.skip(".") ? reader.fraction() : 0
        guard let fraction, let offset = reader.offsetMinutes(), reader.isAtEnd else { return nil }
        let days = Timestamp.days(year: year, month: month, day: day)
        let minutes = days * 1440 + hour * 60 + minute - offset
        self.init(millisecondsSince1970: (minutes * 60 + second) * 1000 + fraction)
    }

    /// Days since 1970-01-01 to a date of the proleptic Gregorian calendar, by eras of 400 years.
    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredQuotient(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Int64 {
    fileprivate func flooredQuotient(by divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

private struct DigitWriter {
    let text: UnsafeMutableBufferPointer<UInt8>
    var count = 0

    /// So many digits, or as many as it takes.
    mutating func number(_ number: Int64, digits: Int, then separator: Unicode.Scalar) {
        if number < 0 { put("-") }
        var divisor: UInt64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while number.magnitude / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            text[count] = UInt8(ascii: "0") + UInt8(number.magnitude / divisor % 10)
            count += 1
            divisor /= 10
        }
        put(separator)
    }

    private mutating func put(_ character: Unicode.Scalar) {
        text[count] = UInt8(ascii: character)
        count += 1
    }
}

private struct DigitReader {
    private var rest: Substring.UTF8View

    init(_ text: String.UTF8View) {
        rest = text[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func number(_ digits: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let digit = nextDigit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// The digits after the point, as milliseconds.
    mutating func fraction() -> Int64? {
        guard let first = nextDigit() else { return nil }
        var value = first
        var count = 1
        while let digit = nextDigit() {
            if count < 3 { value = value * 10 + digit }
            count += 1
        }
        while count < 3 {
            value *= 10
            count += 1
        }
        return value
    }

    mutating func offsetMinutes() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = number(2), skip(":"), let minutes = number(2) else { return nil }
        return sign * (hours * 60 + minutes)
    }

    private mutating func nextDigit() -> Int64? {
        guard let byte = rest.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        rest.removeFirst()
        return Int64(byte - UInt8(ascii: "0"))
    }
}

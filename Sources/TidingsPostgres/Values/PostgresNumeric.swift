/// The binary form of `numeric`: how many digits to the base of 10,000, the weight of the first, the sign, how many
/// decimals to show, then the digits; each 16 bits.
struct PostgresNumeric {
    private let digits: [Int16]
    private let weight: Int
    private let sign: UInt16
    private let scale: Int

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 8, bytes.count % 2 == 0 else { return nil }
        let words = stride(from: 0, to: bytes.count, by: 2).map {
            Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int16.self))
        }
        guard Int(words[0]) == words.count - 4 else { return nil }
        weight = Int(words[1])
        sign = UInt16(bitPattern: words[2])
        scale = Int(words[3])
        digits = Array(words[4...])
    }

    /// As PostgreSQL would write it.
    var text: String {
        switch sign {
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        default: break
        }
        var whole = ""
        for place in stride(from: max(weight, 0), through: 0, by: -1) { whole += group(place) }
        let trimmed = String(whole.drop { $0 == "0" })
        var text = (sign == 0x4000 ? "-" : "") + (trimmed.isEmpty ? "0" : trimmed)
        if scale > 0 {
            var decimals = ""
            for place in 1...((scale + 3) / 4) { decimals += group(-place) }
            text += "." + decimals.prefix(scale)
        }
        return text
    }

    /// The four decimal digits that stand for `10000^place`.
    private func group(_ place: Int) -> String {
        let index = weight - place
        let digit = digits.indices.contains(index) ? String(digits[index]) : "0"
        return String(repeating: "0", count: max(0, 4 - digit.count)) + digit
    }
}

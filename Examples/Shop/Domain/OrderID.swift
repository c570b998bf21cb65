/// Makes the number of an order: sixty random bits as people can read them out, such as `7K3M-9QXA-2FTC`.
///
/// The number is made with the order form, before any transaction, so that a form sent twice is one order, and the
/// event can name the order before the database knows it.
enum OrderID {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    static func make() -> String {
        var random = SystemRandomNumberGenerator()
        let groups = (0..<3).map { _ in
            String((0..<4).map { _ in alphabet[Int.random(in: 0..<32, using: &random)] })
        }
        return groups.joined(separator: "-")
    }

    /// Whether a caller's own order number is one we can keep: 1 to 64 letters, digits, dots, dashes or underscores.
    static func isValid(_ id: String) -> Bool {
        (1...64).contains(id.utf8.count) && id.utf8.allSatisfy(mayContain)
    }

    static func mayContain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

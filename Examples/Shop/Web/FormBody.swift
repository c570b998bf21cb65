import NIOCore

/// The fields of an HTML form in the order they were sent; a name may occur many times.
struct FormBody: Sendable {
    private let fields: [(name: String, value: String)]

    /// Reads `application/x-www-form-urlencoded`.
    init(_ body: ByteBuffer) {
        fields = body.readableBytesView.split(separator: UInt8(ascii: "&")).map { pair in
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.unescape(parts[0]), parts.count > 1 ? Self.unescape(parts[1]) : "")
        }
    }

    /// The first value under `name` without surrounding white space; empty when there is none.
    subscript(name: String) -> String {
        fields.first { $0.name == name }?.value.trimmed ?? ""
    }

    /// All values under `name`, in order.
    func all(_ name: String) -> [String] {
        fields.filter { $0.name == name }.map(\.value.trimmed)
    }

    func contains(_ name: String) -> Bool {
        fields.contains { $0.name == name }
    }

    private static func unescape(_ text: some Collection<UInt8>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"):
                bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                if let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                    bytes.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                }
            default:
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension StringProtocol {
    var trimmed: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...end])
    }
}

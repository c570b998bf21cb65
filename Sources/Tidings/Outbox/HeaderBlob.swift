/// Headers as one column of a store's table: (length of name, name, length of value or -1, value) each, lengths as
/// 32 bits big-endian.
package enum HeaderBlob {
    package static func encode(_ headers: [EventHeader]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headers.reduce(0) { $0 + 8 + $1.name.utf8.count + ($1.value?.count ?? 0) })
        for header in headers {
            append(Int32(header.name.utf8.count), to: &bytes)
            bytes.append(contentsOf: header.name.utf8)
            append(header.value.map { Int32($0.count) } ?? -1, to: &bytes)
            if let value = header.value { bytes.append(contentsOf: value) }
        }
        return bytes
    }

    /// - Throws: ``TidingsError/Code/cannotDecode`` when the bytes are not what `encode` makes.
    package static func decode(_ bytes: [UInt8]) throws -> [EventHeader] {
        try bytes.withUnsafeBytes { try decode($0) }
    }

    /// - Throws: ``TidingsError/Code/cannotDecode`` when the bytes are not what `encode` makes.
    package static func decode(_ bytes: UnsafeRawBufferPointer) throws -> [EventHeader] {
        var headers: [EventHeader] = []
        headers.reserveCapacity(8)
        var rest = bytes
        while !rest.isEmpty {
            guard let name = take(from: &rest) ?? nil, let text = String(validating: name, as: UTF8.self),
                let value = take(from: &rest)
            else { throw TidingsError(.cannotDecode, "the headers of an outbox row are damaged") }
            headers.append(EventHeader(text, value.map { Array($0) }))
        }
        return headers
    }

    private static func append(_ length: Int32, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// The next length and its bytes: nil when damaged, a nil inside when the length is -1.
    private static func take(from rest: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?? {
        guard rest.count >= 4 else { return nil }
        let length = Int32(bigEndian: rest.loadUnaligned(as: Int32.self))
        let bytes = UnsafeRawBufferPointer(rebasing: rest[4...])
        if length == -1 {
            rest = bytes
            return .some(nil)
        }
        guard length >= 0, bytes.count >= Int(length) else { return nil }
        rest = UnsafeRawBufferPointer(rebasing: bytes[Int(length)...])
        return .some(UnsafeRawBufferPointer(rebasing: bytes[..<Int(length)]))
    }
}

import NIOCore

/// Reads what a message describes, from bytes that nobody vouches for: it throws on a truncated, negative or impossible
/// length, allocates nothing before the bytes are there, and skips tagged fields it does not know.
public struct MessageDecoder: MessageCoder {
    /// The most array elements that one message may hold in all, by default.
    public static let defaultElementLimit = 1 << 20

    public let version: Int16
    public let isFlexible: Bool
    /// What has not been read yet.
    public private(set) var buffer: ByteBuffer
    private var elementsLeft: Int
    private var currentTag: UInt32?

    /// - Parameter elementLimit: the most array elements that the message may hold in all. It bounds the memory that
    ///   a small message can ask for, since an element of one byte on the wire takes many more in memory.
    public init(
        version: Int16, isFlexible: Bool, reading buffer: ByteBuffer, elementLimit: Int = defaultElementLimit
    ) {
        self.version = version
        self.isFlexible = isFlexible
        self.buffer = buffer
        self.elementsLeft = elementLimit
    }

    @inline(__always)
    public mutating func fixedInteger<T: FixedWidthInteger>(_ value: inout T) throws(ProtocolError) {
        guard let read = buffer.readInteger(as: T.self) else { throw .endsWithin("an integer") }
        value = read
    }

    public mutating func text(_ value: inout String?, nullable: Bool) throws(ProtocolError) {
        guard let length = try readLength(as: Int16.self, limit: Int(Int16.max), nullable: nullable) else {
            value = nil
            return
        }
        guard length <= buffer.readableBytes else { throw .endsWithin("a string") }
        do {
            value = try buffer.readUTF8ValidatedString(length: length)
        } catch {
            throw ProtocolError(.malformed, "a string that is not UTF-8")
        }
    }

    public mutating func blob(_ value: inout ByteBuffer?, nullable: Bool) throws(ProtocolError) {
        guard let length = try readLength(as: Int32.self, limit: Int(Int32.max), nullable: nullable) else {
            value = nil
            return
        }
        guard let slice = buffer.readSlice(length: length) else { throw .endsWithin("a byte string") }
        value = slice
    }

    public mutating func list<T>(
        _ values: inout [T]?, blank: @autoclosure () -> T, width: Int, nullable: Bool,
        element: (inout MessageDecoder, inout T) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        guard let count = try readLength(as: Int32.self, limit: Int(Int32.max), nullable: nullable) else {
            values = nil
            return
        }
        guard count <= buffer.readableBytes / width else {
            throw ProtocolError(.truncated, "an array of \(count) elements in \(buffer.readableBytes) bytes")
        }
        guard count <= elementsLeft else { throw ProtocolError(.tooLarge, "more array elements than allowed") }
        elementsLeft -= count
        var array: [T] = []
        array.reserveCapacity(min(count, 256))
        for _ in 0..<count {
            var value = blank()
            try element(&self, &value)
            array.append(value)
        }
        values = array
    }

    public mutating func tagSection(
        _ fields: (inout MessageDecoder) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        let count = try buffer.readUnsignedVarint()
        guard count > 0 else { return }
        let outerTag = currentTag
        var previous: UInt32?
        for _ in 0..<count {
            let number = try buffer.readUnsignedVarint()
            if let previous, number <= previous {
                throw ProtocolError(.malformed, "tagged field \(number) after tagged field \(previous)")
            }
            previous = number
            let size = try buffer.readUnsignedVarint()
            guard var rest = Optional(buffer), let payload = rest.readSlice(length: Int(size)) else {
                throw .endsWithin("tagged field \(number)")
            }
            // Each known field compares itself with the current tag; the one that matches reads the payload.
            buffer = payload
            currentTag = number
            try fields(&self)
            guard currentTag != nil || buffer.readableBytes == 0 else {
                throw ProtocolError(.malformed, "tagged field \(number) is longer than its value")
            }
            buffer = rest
        }
        currentTag = outerTag
    }

    public mutating func tag(
        _ number: UInt32, from: Int16, isDefault: Bool, _ field: (inout MessageDecoder) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        guard currentTag == number, version >= from else { return }
        currentTag = nil
        try field(&self)
    }

    /// A length or count: compact (plus one, 0 for null) or plain (-1 for null).
    @inline(__always)
    private mutating func readLength<Plain: SignedInteger & FixedWidthInteger>(
        as plain: Plain.Type, limit: Int, nullable: Bool
    ) throws(ProtocolError) -> Int? {
        let length: Int
        if isFlexible {
            length = Int(try buffer.readUnsignedVarint()) - 1
        } else {
            guard let read = buffer.readInteger(as: Plain.self) else { throw .endsWithin("a length") }
            length = Int(read)
        }
        if length >= 0, length <= limit { return length }
        guard length == -1 else { throw ProtocolError(.malformed, "a length of \(length)") }
        guard nullable else { throw ProtocolError(.nullNotAllowed, "null where version \(version) has none") }
        return nil
    }
}

extension ProtocolError {
    static func endsWithin(_ what: String) -> ProtocolError {
        ProtocolError(.truncated, "the bytes end within \(what)")
    }
}

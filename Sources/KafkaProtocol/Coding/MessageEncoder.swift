import NIOCore

/// Writes what a message describes.
public struct MessageEncoder: MessageCoder {
    public let version: Int16
    public let isFlexible: Bool
    /// What has been written so far.
    public private(set) var buffer: ByteBuffer
    private var tagCount: UInt8 = 0

    /// An encoder that appends to `buffer`.
    public init(version: Int16, isFlexible: Bool, appendingTo buffer: ByteBuffer = ByteBuffer()) {
        self.version = version
        self.isFlexible = isFlexible
        self.buffer = buffer
    }

    @inline(__always)
    public mutating func fixedInteger<T: FixedWidthInteger>(_ value: inout T) throws(ProtocolError) {
        buffer.writeInteger(value)
    }

    public mutating func text(_ value: inout String?, nullable: Bool) throws(ProtocolError) {
        guard let text = value else { return try writeNull(nullable, as: Int16.self) }
        let count = text.utf8.count
        guard count <= Int16.max else {
            throw ProtocolError(.notRepresentable, "a string of \(count) bytes; the protocol has room for 32767")
        }
        writeLength(count, as: Int16.self)
        buffer.writeString(text)
    }

    public mutating func blob(_ value: inout ByteBuffer?, nullable: Bool) throws(ProtocolError) {
        guard let blob = value else { return try writeNull(nullable, as: Int32.self) }
        guard blob.readableBytes <= Int32.max - 1 else {
            throw ProtocolError(.notRepresentable, "\(blob.readableBytes) bytes; the protocol has room for 2^31")
        }
        writeLength(blob.readableBytes, as: Int32.self)
        buffer.writeImmutableBuffer(blob)
    }

    public mutating func list<T>(
        _ values: inout [T]?, blank: @autoclosure () -> T, width: Int, nullable: Bool,
        element: (inout MessageEncoder, inout T) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        guard let array = values else { return try writeNull(nullable, as: Int32.self) }
        guard array.count <= Int32.max - 1 else {
            throw ProtocolError(.notRepresentable, "\(array.count) elements; the protocol has room for 2^31")
        }
        writeLength(array.count, as: Int32.self)
        // A copy of each element, so that the array itself is never copied for being walked `inout`.
        for var value in array { try element(&self, &value) }
    }

    public mutating func tagSection(
        _ fields: (inout MessageEncoder) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        let outerCount = tagCount
        let place = buffer.writerIndex
        tagCount = 0
        buffer.writeInteger(UInt8(0))
        try fields(&self)
        buffer.setInteger(tagCount, at: place)
        tagCount = outerCount
    }

    public mutating func tag(
        _ number: UInt32, from: Int16, isDefault: Bool, _ field: (inout MessageEncoder) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        guard version >= from, !isDefault else { return }
        var payload = MessageEncoder(version: version, isFlexible: isFlexible)
        try field(&payload)
        // One byte of a varint: no structure of Kafka's comes near 127 tagged fields.
        guard tagCount < 0x7F else { throw ProtocolError(.notRepresentable, "more than 127 tagged fields") }
        tagCount += 1
        buffer.writeUnsignedVarint(number)
        buffer.writeUnsignedVarint(UInt32(payload.buffer.readableBytes))
        buffer.writeImmutableBuffer(payload.buffer)
    }

    @inline(__always)
    private mutating func writeLength<Plain: FixedWidthInteger>(_ length: Int, as plain: Plain.Type) {
        if isFlexible {
            buffer.writeUnsignedVarint(UInt32(length + 1))
        } else {
            buffer.writeInteger(Plain(length))
        }
    }

    private mutating func writeNull<Plain: SignedInteger & FixedWidthInteger>(
        _ nullable: Bool, as plain: Plain.Type
    ) throws(ProtocolError) {
        guard nullable else { throw ProtocolError(.nullNotAllowed, "null where version \(version) has none") }
        if isFlexible { buffer.writeUnsignedVarint(0) } else { buffer.writeInteger(-1 as Plain) }
    }
}

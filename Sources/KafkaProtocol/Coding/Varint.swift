import NIOCore

/// Variable-length integers: seven bits a byte, least significant first. Unsigned ones carry the lengths of flexible
/// messages, zigzag ones the lengths and deltas inside record batches.
extension ByteBuffer {
    @inline(__always)
    mutating func readUnsignedVarint() throws(ProtocolError) -> UInt32 {
        var value: UInt32 = 0
        for shift in stride(from: UInt32(0), to: 35, by: 7) {
            guard let byte = readInteger(as: UInt8.self) else { throw .endsWithin("a varint") }
            if shift == 28, byte > 0x0F { break }
            value |= UInt32(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw ProtocolError(.malformed, "a varint beyond 32 bits")
    }

    @inline(__always)
    mutating func readUnsignedVarlong() throws(ProtocolError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = readInteger(as: UInt8.self) else { throw .endsWithin("a varlong") }
            if shift == 63, byte > 0x01 { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw ProtocolError(.malformed, "a varlong beyond 64 bits")
    }

    /// A zigzag-encoded 32-bit integer.
    @inline(__always)
    mutating func readVarint() throws(ProtocolError) -> Int32 {
        let raw = try readUnsignedVarint()
        return Int32(bitPattern: raw >> 1) ^ -Int32(bitPattern: raw & 1)
    }

    /// A zigzag-encoded 64-bit integer.
    @inline(__always)
    mutating func readVarlong() throws(ProtocolError) -> Int64 {
        let raw = try readUnsignedVarlong()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    @inline(__always)
    mutating func writeUnsignedVarint(_ value: UInt32) { writeUnsignedVarlong(UInt64(value)) }

    @inline(__always)
    mutating func writeUnsignedVarlong(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    mutating func writeVarint(_ value: Int32) {
        writeUnsignedVarint(UInt32(bitPattern: (value << 1) ^ (value >> 31)))
    }

    @inline(__always)
    mutating func writeVarlong(_ value: Int64) {
        writeUnsignedVarlong(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }
}

/// How many bytes a zigzag varint or varlong of `value` takes.
@inline(__always)
func varintSize(_ value: some FixedWidthInteger) -> Int {
    let wide = Int64(value)
    let raw = UInt64(bitPattern: (wide << 1) ^ (wide >> 63))
    return max(1, (64 - raw.leadingZeroBitCount + 6) / 7)
}

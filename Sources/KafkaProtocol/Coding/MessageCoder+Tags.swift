import NIOCore

/// Tagged fields (KIP-482), called inside the closure of ``MessageCoder/tags(_:)``. One that has its default is left out.
extension MessageCoder {
    @inline(__always)
    public mutating func array<T: KafkaStructure>(
        _ values: inout [T], tag number: UInt32, from: Int16 = 0
    ) throws(ProtocolError) {
        try tag(number, from: from, isDefault: values.isEmpty) { (coder: inout Self) throws(ProtocolError) in
            try coder.array(&values)
        }
    }

    @inline(__always)
    public mutating func structure<T: KafkaStructure>(
        _ value: inout T, tag number: UInt32, from: Int16 = 0
    ) throws(ProtocolError) {
        try tag(number, from: from, isDefault: value == T()) { (coder: inout Self) throws(ProtocolError) in
            try coder.structure(&value)
        }
    }

    @inline(__always)
    public mutating func int64(
        _ value: inout Int64, tag number: UInt32, from: Int16 = 0, default: Int64
    ) throws(ProtocolError) {
        try tag(number, from: from, isDefault: value == `default`) { (coder: inout Self) throws(ProtocolError) in
            try coder.int64(&value)
        }
    }

    @inline(__always)
    public mutating func bool(_ value: inout Bool, tag number: UInt32, from: Int16 = 0) throws(ProtocolError) {
        try tag(number, from: from, isDefault: !value) { (coder: inout Self) throws(ProtocolError) in
            try coder.bool(&value)
        }
    }

    @inline(__always)
    public mutating func errorCode(
        _ value: inout ErrorCode, tag number: UInt32, from: Int16 = 0
    ) throws(ProtocolError) {
        try tag(number, from: from, isDefault: value == .none) { (coder: inout Self) throws(ProtocolError) in
            try coder.errorCode(&value)
        }
    }

    @inline(__always)
    public mutating func uuid(_ value: inout KafkaUUID, tag number: UInt32, from: Int16 = 0) throws(ProtocolError) {
        try tag(number, from: from, isDefault: value == .zero) { (coder: inout Self) throws(ProtocolError) in
            try coder.uuid(&value)
        }
    }

    @inline(__always)
    public mutating func nullableString(
        _ value: inout String?, tag number: UInt32, from: Int16 = 0
    ) throws(ProtocolError) {
        try tag(number, from: from, isDefault: value == nil) { (coder: inout Self) throws(ProtocolError) in
            try coder.nullableString(&value)
        }
    }
}

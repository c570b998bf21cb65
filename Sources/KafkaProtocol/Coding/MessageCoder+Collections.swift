import NIOCore

extension MessageCoder {
    @inline(__always)
    public mutating func array<T: KafkaStructure>(
        _ values: inout [T], from: Int16 = 0, to: Int16 = .max
    ) throws(ProtocolError) {
        guard has(from, to) else { return }
        var optional: [T]? = values
        try list(&optional, blank: T(), width: 1, nullable: false) {
            (coder: inout Self, value: inout T) throws(ProtocolError) in try value.describe(&coder)
        }
        values = optional ?? []
    }

    /// An array of structures that may be null from version `nullFrom` on.
    @inline(__always)
    public mutating func nullableArray<T: KafkaStructure>(
        _ values: inout [T]?, from: Int16 = 0, to: Int16 = .max, nullFrom: Int16 = 0
    ) throws(ProtocolError) {
        guard has(from, to) else { return }
        try list(&values, blank: T(), width: 1, nullable: version >= nullFrom) {
            (coder: inout Self, value: inout T) throws(ProtocolError) in try value.describe(&coder)
        }
    }

    @inline(__always)
    public mutating func array<T: FixedWidthInteger>(
        _ values: inout [T], from: Int16 = 0, to: Int16 = .max
    ) throws(ProtocolError) {
        guard has(from, to) else { return }
        var optional: [T]? = values
        try nullableArray(&optional, from: from, to: to, nullFrom: .max)
        values = optional ?? []
    }

    @inline(__always)
    public mutating func nullableArray<T: FixedWidthInteger>(
        _ values: inout [T]?, from: Int16 = 0, to: Int16 = .max, nullFrom: Int16 = 0
    ) throws(ProtocolError) {
        guard has(from, to) else { return }
        try list(&values, blank: 0, width: T.bitWidth / 8, nullable: version >= nullFrom) {
            (coder: inout Self, value: inout T) throws(ProtocolError) in try coder.fixedInteger(&value)
        }
    }

    @inline(__always)
    public mutating func array(_ values: inout [String], from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        guard has(from, to) else { return }
        var optional: [String]? = values
        try nullableArray(&optional, from: from, to: to, nullFrom: .max)
        values = optional ?? []
    }

    @inline(__always)
    public mutating func nullableArray(
        _ values: inout [String]?, from: Int16 = 0, to: Int16 = .max, nullFrom: Int16 = 0
    ) throws(ProtocolError) {
        guard has(from, to) else { return }
        try list(&values, blank: "", width: isFlexible ? 1 : 2, nullable: version >= nullFrom) {
            (coder: inout Self, value: inout String) throws(ProtocolError) in try coder.string(&value)
        }
    }

    @inline(__always)
    public mutating func array(_ values: inout [KafkaUUID], from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        guard has(from, to) else { return }
        var optional: [KafkaUUID]? = values
        try list(&optional, blank: .zero, width: 16, nullable: false) {
            (coder: inout Self, value: inout KafkaUUID) throws(ProtocolError) in try coder.uuid(&value)
        }
        values = optional ?? []
    }

    /// A structure in place, with its own tagged fields where the version is flexible.
    @inline(__always)
    public mutating func structure<T: KafkaStructure>(
        _ value: inout T, from: Int16 = 0, to: Int16 = .max
    ) throws(ProtocolError) {
        if has(from, to) { try value.describe(&self) }
    }

    /// A structure that may be absent: one byte, -1 for absent, before it.
    @inline(__always)
    public mutating func nullableStructure<T: KafkaStructure>(
        _ value: inout T?, from: Int16 = 0, to: Int16 = .max
    ) throws(ProtocolError) {
        guard has(from, to) else { return }
        var marker: Int8 = value == nil ? -1 : 1
        try fixedInteger(&marker)
        guard marker >= 0 else {
            value = nil
            return
        }
        var present = value ?? T()
        try present.describe(&self)
        value = present
    }

    /// The end of a structure that has tagged fields of its own.
    @inline(__always)
    public mutating func tags(_ fields: (inout Self) throws(ProtocolError) -> Void) throws(ProtocolError) {
        if isFlexible { try tagSection(fields) }
    }

    /// The end of a structure without tagged fields of its own; a decoder skips those of newer writers.
    @inline(__always)
    public mutating func tags() throws(ProtocolError) {
        if isFlexible { try tagSection { (_: inout Self) throws(ProtocolError) in } }
    }
}

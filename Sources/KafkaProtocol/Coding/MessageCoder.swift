import NIOCore

/// One walk over the fields of a message. A message says once, in ``KafkaStructure/describe(_:)``, which fields it has
/// and in which versions; an encoder writes them, a decoder fills them in.
///
///     mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
///         try coder.string(&groupID)
///         try coder.int32(&rebalanceTimeoutMs, from: 1)
///         try coder.array(&protocols)
///         try coder.tags()
///     }
///
/// The requirements below are the shapes of the wire; descriptions use the named, version-gated methods of the extension.
/// Source: the protocol guide's primitive types, and KIP-482 for the flexible encoding.
public protocol MessageCoder {
    /// The version of the message being walked.
    var version: Int16 { get }
    /// Whether this version has compact lengths and tagged fields.
    var isFlexible: Bool { get }

    mutating func fixedInteger<T: FixedWidthInteger>(_ value: inout T) throws(ProtocolError)
    mutating func text(_ value: inout String?, nullable: Bool) throws(ProtocolError)
    mutating func blob(_ value: inout ByteBuffer?, nullable: Bool) throws(ProtocolError)

    /// A counted list. `blank` is what a decoder starts each element from; `width` is the least number of bytes an
    /// element takes, so that a count can be judged before anything is allocated.
    mutating func list<T>(
        _ values: inout [T]?, blank: @autoclosure () -> T, width: Int, nullable: Bool,
        element: (inout Self, inout T) throws(ProtocolError) -> Void
    ) throws(ProtocolError)

    /// The tagged fields that end a flexible structure; `fields` calls ``tag(_:from:isDefault:_:)`` for each known one.
    mutating func tagSection(_ fields: (inout Self) throws(ProtocolError) -> Void) throws(ProtocolError)

    /// One tagged field. An encoder leaves it out when it has its default.
    mutating func tag(
        _ number: UInt32, from: Int16, isDefault: Bool, _ field: (inout Self) throws(ProtocolError) -> Void
    ) throws(ProtocolError)
}

/// Something made of fields: a message, or a structure inside one.
public protocol KafkaStructure: Equatable, Sendable {
    /// All fields at the defaults of Kafka's schema.
    init()
    /// Walks the fields in wire order. Generic, so that the compiler makes one straight encoder and decoder of it.
    mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError)
}

extension KafkaStructure {
    /// Defaults, changed by `change`: `Topic { $0.name = "order"; $0.partitions = [] }`.
    public init<Failure: Error>(_ change: (inout Self) throws(Failure) -> Void) throws(Failure) {
        self.init()
        try change(&self)
    }
}

extension MessageCoder {
    @inline(__always)
    func has(_ from: Int16, _ to: Int16) -> Bool { version >= from && version <= to }

    @inline(__always)
    public mutating func bool(_ value: inout Bool, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        guard has(from, to) else { return }
        var byte: Int8 = value ? 1 : 0
        try fixedInteger(&byte)
        value = byte != 0
    }

    @inline(__always)
    public mutating func int8(_ value: inout Int8, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        if has(from, to) { try fixedInteger(&value) }
    }

    @inline(__always)
    public mutating func int16(_ value: inout Int16, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        if has(from, to) { try fixedInteger(&value) }
    }

    @inline(__always)
    public mutating func int32(_ value: inout Int32, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        if has(from, to) { try fixedInteger(&value) }
    }

    @inline(__always)
    public mutating func int64(_ value: inout Int64, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        if has(from, to) { try fixedInteger(&value) }
    }

    @inline(__always)
    public mutating func errorCode(_ value: inout ErrorCode, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        if has(from, to) { try fixedInteger(&value.rawValue) }
    }

    @inline(__always)
    public mutating func float64(_ value: inout Double, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        guard has(from, to) else { return }
        var bits = value.bitPattern
        try fixedInteger(&bits)
        value = Double(bitPattern: bits)
    }

    @inline(__always)
    public mutating func uuid(_ value: inout KafkaUUID, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        guard has(from, to) else { return }
        try fixedInteger(&value.high)
        try fixedInteger(&value.low)
    }

    @inline(__always)
    public mutating func string(_ value: inout String, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        guard has(from, to) else { return }
        var optional: String? = value
        try text(&optional, nullable: false)
        value = optional ?? ""
    }

    /// A string that may be null from version `nullFrom` on.
    @inline(__always)
    public mutating func nullableString(
        _ value: inout String?, from: Int16 = 0, to: Int16 = .max, nullFrom: Int16 = 0
    ) throws(ProtocolError) {
        if has(from, to) { try text(&value, nullable: version >= nullFrom) }
    }

    @inline(__always)
    public mutating func bytes(_ value: inout ByteBuffer, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        guard has(from, to) else { return }
        var optional: ByteBuffer? = value
        try blob(&optional, nullable: false)
        value = optional ?? ByteBuffer()
    }

    /// Bytes that may be null; a decoder hands over a slice of its input, without a copy.
    @inline(__always)
    public mutating func nullableBytes(_ value: inout ByteBuffer?, from: Int16 = 0, to: Int16 = .max)
        throws(ProtocolError)
    {
        if has(from, to) { try blob(&value, nullable: true) }
    }

    /// Record batches: nullable bytes that nobody here looks into.
    @inline(__always)
    public mutating func records(_ value: inout ByteBuffer?, from: Int16 = 0, to: Int16 = .max) throws(ProtocolError) {
        try nullableBytes(&value, from: from, to: to)
    }
}

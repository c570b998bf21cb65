/// A record's headers in order, in one piece of memory: a record with ten of them costs no more than one with one.
///
/// ```swift
/// var headers: RecordHeaders = [RecordHeader("trace", "4711")]
/// headers.append(RecordHeader("tenant", "north"))
/// ```
public struct RecordHeaders: Hashable, Sendable {
    /// Each header as (length of name, name, length of value or -1 for null, value), lengths as 32 bits big-endian; what
    /// `init(bytes:)` reads.
    public private(set) var bytes: [UInt8] = []

    /// How many there are.
    public private(set) var count = 0

    /// None.
    public init() {}

    /// These headers, in their order.
    public init(_ headers: some Sequence<RecordHeader>) {
        for header in headers { append(header) }
    }

    /// What ``bytes`` gave; nil when they are damaged.
    public init?(bytes: [UInt8]) {
        guard let count = bytes.withUnsafeBytes(Self.count) else { return nil }
        (self.bytes, self.count) = (bytes, count)
    }

    /// What ``bytes`` gave, copied once; nil when they are damaged.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard let count = Self.count(bytes) else { return nil }
        (self.bytes, self.count) = (Array(bytes), count)
    }

    public var isEmpty: Bool { bytes.isEmpty }

    /// The bytes of all names and values.
    public var size: Int { bytes.count - 8 * count }

    /// Adds a header behind the others.
    public mutating func append(_ header: RecordHeader) { append(header.name, header.value) }

    /// Adds a header behind the others; nil is Kafka's null.
    public mutating func append(_ name: String, _ value: [UInt8]?) {
        append(length: name.utf8.count)
        append(utf8: name)
        append(length: value?.count ?? -1)
        if let value { bytes.append(contentsOf: value) }
        count += 1
    }

    /// Adds a header behind the others, whose value is text in UTF-8.
    public mutating func append(_ name: String, _ value: String) {
        append(length: name.utf8.count)
        append(utf8: name)
        append(length: value.utf8.count)
        append(utf8: value)
        count += 1
    }

    /// Adds headers behind the others.
    public mutating func append(contentsOf headers: RecordHeaders) {
        bytes.append(contentsOf: headers.bytes)
        count += headers.count
    }

    /// Makes room for so many more bytes of headers, with eight for each of them.
    public mutating func reserve(_ more: Int) {
        if bytes.capacity - bytes.count < more { bytes.reserveCapacity(bytes.count + more) }
    }

    // MARK: Bytes

    private mutating func append(length: Int) {
        withUnsafeBytes(of: Int32(length).bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func append(utf8 text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    /// One header's place among the bytes.
    struct View {
        var name: UnsafeRawBufferPointer
        var value: UnsafeRawBufferPointer?
    }

    /// Takes the next header off the bytes; nil when they are damaged.
    static func next(_ rest: inout UnsafeRawBufferPointer) -> View? {
        guard let name = part(&rest) ?? nil, let value = part(&rest) else { return nil }
        return View(name: name, value: value)
    }

    /// The next length and its bytes: nil when damaged, a nil inside when the length is -1.
    private static func part(_ rest: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?? {
        guard rest.count >= 4 else { return nil }
        let length = Int(Int32(bigEndian: rest.loadUnaligned(as: Int32.self)))
        if length == -1 {
            rest = UnsafeRawBufferPointer(rebasing: rest[4...])
            return .some(nil)
        }
        guard length >= 0, rest.count - 4 >= length else { return nil }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[(4 + length)...]) }
        return .some(UnsafeRawBufferPointer(rebasing: rest[4..<4 + length]))
    }

    /// How many headers the bytes hold; nil when they are damaged.
    private static func count(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var rest = bytes
        var count = 0
        while !rest.isEmpty {
            guard let view = next(&rest), isText(view.name) else { return nil }
            count += 1
        }
        return count
    }

    private static func isText(_ name: UnsafeRawBufferPointer) -> Bool {
        name.allSatisfy { $0 < 0x80 } || String(validating: name, as: UTF8.self) != nil
    }
}

extension RecordHeaders: Sequence {
    public struct Iterator: IteratorProtocol {
        fileprivate let bytes: [UInt8]
        fileprivate var position = 0

        public mutating func next() -> RecordHeader? {
            bytes.withUnsafeBytes { all in
                var rest = UnsafeRawBufferPointer(rebasing: all[position...])
                guard !rest.isEmpty, let view = RecordHeaders.next(&rest) else { return nil }
                position = all.count - rest.count
                return RecordHeader(String(decoding: view.name, as: UTF8.self), view.value.map { Array($0) })
            }
        }
    }

    public func makeIterator() -> Iterator { Iterator(bytes: bytes) }

    public var underestimatedCount: Int { count }
}

extension RecordHeaders: ExpressibleByArrayLiteral {
    public init(arrayLiteral headers: RecordHeader...) { self.init(headers) }
}

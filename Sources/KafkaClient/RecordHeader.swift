/// A header of a record: a name, which may repeat, and a value, which may be null.
public struct RecordHeader: Hashable, Sendable {
    /// The name, UTF-8 on the wire.
    public var name: String
    /// The value's bytes; nil is Kafka's null.
    public var value: [UInt8]?

    /// A header with a value of any bytes.
    public init(_ name: String, _ value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    /// A header whose value is text in UTF-8.
    public init(_ name: String, _ text: String) {
        self.init(name, Array(text.utf8))
    }
}

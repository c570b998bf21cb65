/// A Kafka topic that carries events of type `E`.
///
/// Several typed topics may share one Kafka topic: the events' type names tell them apart.
///
/// ```swift
/// let placed = Topic<OrderPlaced>("order")
/// let cancelled = Topic<OrderCancelled>("order")
/// ```
public struct Topic<E: Event>: Sendable {
    /// The Kafka topic's name.
    public let name: String

    /// How events become bytes; readers find it by the content type.
    public let codec: any EventCodec

    /// Names a topic; `Admin.create` makes it in Kafka.
    public init(_ name: String, codec: some EventCodec = .json) {
        self.name = name
        self.codec = codec
    }
}

/// A record to be sent.
public struct ProducerMessage: Sendable {
    /// The topic it goes to.
    public var topic: String
    /// The partition it goes to; nil lets the partitioner decide by the key.
    public var partition: Int32?
    /// Records with the same key keep their order; nil is no key.
    public var key: [UInt8]?
    /// The record's value; nil is Kafka's null, which deletes the key from a compacted topic.
    public var value: [UInt8]?
    /// Headers, in this order.
    public var headers: RecordHeaders
    /// Milliseconds since 1970 (UTC); nil is now.
    public var timestamp: Int64?

    /// A record for `topic`.
    public init(
        topic: String, partition: Int32? = nil, key: [UInt8]? = nil, value: [UInt8]?, headers: RecordHeaders = [],
        timestamp: Int64? = nil
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
        self.timestamp = timestamp
    }

    /// A record whose key and value are text in UTF-8.
    public init(topic: String, key: String? = nil, value: String, headers: RecordHeaders = []) {
        self.init(topic: topic, key: key.map { Array($0.utf8) }, value: Array(value.utf8), headers: headers)
    }
}

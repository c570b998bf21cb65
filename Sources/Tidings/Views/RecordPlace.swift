import KafkaClient

/// The place of one record in Kafka.
public struct RecordPlace: Hashable, Sendable, CustomStringConvertible {
    /// The Kafka topic's name.
    public var topic: String

    /// The partition's number, from 0.
    public var partition: Int32

    /// The record's offset in the partition.
    public var offset: Int64

    /// A place in a partition of a topic.
    public init(topic: String, partition: Int32, offset: Int64) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
    }

    /// Where a delivery stands.
    public init(_ delivery: Delivery) {
        self.init(topic: delivery.topic, partition: delivery.partition, offset: delivery.offset)
    }

    var topicPartition: TopicPartition { TopicPartition(topic, partition) }

    public var description: String { "\(topicPartition) at \(offset)" }
}

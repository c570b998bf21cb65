import NIOCore

/// What a consumer puts into the metadata of a join: the topics it subscribes to. The broker looks at nothing else there.
///
/// Bytes, big endian: int16 version, int32 count, then each topic as int16 length and UTF-8; what follows is of no concern.
struct ConsumerSubscription: Sendable, Equatable {
    /// The protocol type of groups whose members speak it.
    static let protocolType = "consumer"

    let topics: Set<String>

    /// Nil when the bytes are none.
    init?(_ metadata: [UInt8]) {
        var buffer = ByteBuffer(bytes: metadata)
        guard let (version, count) = buffer.readMultipleIntegers(as: (Int16, Int32).self), version >= 0, count >= 0,
            Int(count) <= buffer.readableBytes / 2
        else { return nil }
        var topics: Set<String> = []
        for _ in 0..<count {
            guard let length = buffer.readInteger(as: Int16.self), length >= 0,
                let topic = buffer.readString(length: Int(length))
            else { return nil }
            topics.insert(topic)
        }
        self.topics = topics
    }
}

extension Group {
    /// The topics that members subscribe to; nil when they are no consumers, or one cannot be understood.
    var subscribedTopics: Set<String>? {
        guard protocolType == ConsumerSubscription.protocolType else { return nil }
        var topics: Set<String> = []
        for member in members.values {
            guard let metadata = protocolName.map(member.metadata) ?? member.protocols.first?.metadata,
                let subscription = ConsumerSubscription(metadata)
            else { return nil }
            topics.formUnion(subscription.topics)
        }
        return topics
    }
}

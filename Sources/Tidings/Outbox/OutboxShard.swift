/// A part of an outbox that one relay at a time works on: the events whose keys fall into it.
public struct OutboxShard: Hashable, Sendable {
    /// The shard's number, from 0.
    public var number: Int32

    /// The relay that has it (``LeaseRequest/owner``); nil when none has.
    public var owner: String?

    /// Rises whenever the shard is given to somebody. Batch numbers begin with it, so that a later owner's are higher.
    public var epoch: Int64

    /// A shard as a store keeps it.
    public init(number: Int32, owner: String?, epoch: Int64) {
        self.number = number
        self.owner = owner
        self.epoch = epoch
    }

    /// How many slots keys are hashed to. A shard holds the slots that are congruent modulo the number of shards.
    package static let slots: UInt64 = 1024

    /// The slot of a record: of its topic and key, or, as it has no order to keep, of its id. The same in every process
    /// and every version: FNV-1a over topic, a zero and key, with its bits mixed at the end.
    package static func slot(of record: EventRecord) -> Int32 {
        slot(ofKey: record.key ?? Array(record.eventID.rawValue.utf8), topic: record.topic)
    }

    /// The slot of a topic's key.
    package static func slot(ofKey key: [UInt8], topic: String) -> Int32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        for byte in topic.utf8 { mix(byte) }
        mix(0)
        for byte in key { mix(byte) }
        hash ^= hash >> 32
        hash = hash &* 0xD6E8_FEB8_6659_FD93
        hash ^= hash >> 32
        return Int32(hash % slots)
    }
}

/// A relay among the relays of an outbox, as its lease shows it.
public struct LeaseState: Hashable, Sendable {
    /// The lease as it stands.
    public var lease: Lease

    /// How long it still lasts, by the database's clock; zero or less when it has expired or was given back.
    public var remaining: Duration

    /// A lease and the time it has left.
    public init(lease: Lease, remaining: Duration) {
        self.lease = lease
        self.remaining = remaining
    }
}

import KafkaProtocol
import NIOCore

/// The records of the internal log `__consumer_offsets`, in the layout that Apache Kafka uses for its own, so that tools
/// which read that topic read this one.
///
/// Key and value each begin with an int16 that says what follows (plain encoding; flexible in version 4):
///
///     key 1    group, topic, partition                       value 4    an offset: epoch, metadata, time, topic id
///     key 2    group                                         value 3    the generation with its members
///
/// A record without value takes back what its key says. The log is read from its start; the last record of a key counts.
enum GroupRecord: Sendable, Equatable {
    case offset(group: String, TopicPartition, CommittedOffset?)
    case group(String, GroupSnapshot?)

    /// A version this broker does not know; skipped, as another program may have put it there.
    struct Unknown: Error {
        let version: Int16
    }

    private static let offsetKeyVersion: Int16 = 1
    private static let firstFlexible: Int16 = 4
    private static let groupKeyVersion: Int16 = 2
    private static let offsetValueVersion: Int16 = 4
    private static let groupValueVersion: Int16 = 3

    /// The record's bytes. `now` is wall clock time, milliseconds since 1970.
    func encoded(now: Int64) throws(ProtocolError) -> (key: ByteBuffer, value: ByteBuffer?) {
        switch self {
        case .offset(let group, let partition, let offset):
            let key = OffsetKey(group: group, topic: partition.topic, partition: partition.partition)
            return (
                try Self.prefixed(key, version: Self.offsetKeyVersion),
                try offset.map { (offset) throws(ProtocolError) in
                    try Self.prefixed(OffsetValue(offset), version: Self.offsetValueVersion)
                }
            )
        case .group(let group, let snapshot):
            return (
                try Self.prefixed(GroupKey(group: group), version: Self.groupKeyVersion),
                try snapshot.map { (snapshot) throws(ProtocolError) in
                    try Self.prefixed(GroupValue(snapshot, now: now), version: Self.groupValueVersion)
                }
            )
        }
    }

    init(key: ByteBuffer, value: ByteBuffer?) throws {
        var key = key
        switch try Self.takeVersion(&key) {
        case 0...Self.offsetKeyVersion:
            let key = try OffsetKey(stored: key, version: 0, isFlexible: false)
            var offset: CommittedOffset?
            if var value {
                let version = try Self.takeVersion(&value)
                guard (0...Self.offsetValueVersion).contains(version) else { throw Unknown(version: version) }
                offset = try OffsetValue(stored: value, version: version, isFlexible: version >= Self.firstFlexible)
                    .offset
            }
            self = .offset(group: key.group, TopicPartition(topic: key.topic, partition: key.partition), offset)
        case Self.groupKeyVersion:
            let key = try GroupKey(stored: key, version: 0, isFlexible: false)
            var snapshot: GroupSnapshot?
            if var value {
                let version = try Self.takeVersion(&value)
                guard (0...Self.groupValueVersion).contains(version) else { throw Unknown(version: version) }
                snapshot = try GroupValue(stored: value, version: version, isFlexible: false).snapshot(of: key.group)
            }
            self = .group(key.group, snapshot)
        case let other:
            throw Unknown(version: other)
        }
    }

    private static func takeVersion(_ buffer: inout ByteBuffer) throws -> Int16 {
        guard let version = buffer.readInteger(as: Int16.self) else { throw Unknown(version: -1) }
        return version
    }

    private static func prefixed(_ body: some KafkaStructure, version: Int16) throws(ProtocolError) -> ByteBuffer {
        var buffer = ByteBuffer(integer: version)
        buffer.writeImmutableBuffer(try body.stored(version: version, isFlexible: version >= firstFlexible))
        return buffer
    }
}

private struct OffsetKey: KafkaStructure {
    var group = ""
    var topic = ""
    var partition: Int32 = 0

    mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&group)
        try coder.string(&topic)
        try coder.int32(&partition)
    }
}

private struct OffsetValue: KafkaStructure {
    var committed: Int64 = 0
    var leaderEpoch: Int32 = -1
    var metadata = ""
    var commitTimestamp: Int64 = 0
    var expireTimestamp: Int64 = -1
    var topicID = KafkaUUID.zero

    init() {}

    init(_ offset: CommittedOffset) {
        committed = offset.offset
        leaderEpoch = offset.leaderEpoch
        metadata = offset.metadata
        commitTimestamp = offset.commitTimestamp
        topicID = offset.topicID
        expireTimestamp = offset.expireTimestamp
    }

    var offset: CommittedOffset {
        CommittedOffset(
            offset: committed, leaderEpoch: leaderEpoch, metadata: metadata, commitTimestamp: commitTimestamp,
            topicID: topicID, expireTimestamp: expireTimestamp)
    }

    mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.int64(&committed)
        try coder.int32(&leaderEpoch, from: 3)
        try coder.string(&metadata)
        try coder.int64(&commitTimestamp)
        try coder.int64(&expireTimestamp, from: 1, to: 1)
        try coder.tags { (coder: inout C) throws(ProtocolError) in
            try coder.uuid(&topicID, tag: 0, from: 4)
            // Our own: Kafka writes version 1 for it, which has no topic id.
            try coder.int64(&expireTimestamp, tag: 1000, from: 4, default: -1)
        }
    }
}

private struct GroupKey: KafkaStructure {
    var group = ""

    init() {}
    init(group: String) { self.group = group }

    mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&group)
    }
}

private struct GroupValue: KafkaStructure {
    struct Member: KafkaStructure {
        var id = ""
        var instanceID: String?
        var clientID = ""
        var clientHost = ""
        var rebalanceTimeout: Int32 = 0
        var sessionTimeout: Int32 = 0
        var subscription = ByteBuffer()
        var assignment = ByteBuffer()

        mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&id)
            try coder.nullableString(&instanceID, from: 3)
            try coder.string(&clientID)
            try coder.string(&clientHost)
            try coder.int32(&rebalanceTimeout, from: 1)
            try coder.int32(&sessionTimeout)
            try coder.bytes(&subscription)
            try coder.bytes(&assignment)
        }
    }

    var protocolType = ""
    var generation: Int32 = 0
    var protocolName: String?
    var leader: String?
    var stateTimestamp: Int64 = -1
    var members: [Member] = []

    init() {}

    init(_ snapshot: GroupSnapshot, now: Int64) {
        protocolType = snapshot.protocolType
        generation = snapshot.generation
        protocolName = snapshot.protocolName
        leader = snapshot.leader
        stateTimestamp = snapshot.stateTimestamp ?? now
        members = snapshot.members.map { stored in
            var member = Member()
            member.id = stored.id
            member.instanceID = stored.instanceID
            member.clientID = stored.clientID
            member.clientHost = stored.clientHost
            member.rebalanceTimeout = Int32(clamping: stored.rebalanceTimeout)
            member.sessionTimeout = Int32(clamping: stored.sessionTimeout)
            member.subscription = ByteBuffer(bytes: stored.metadata)
            member.assignment = ByteBuffer(bytes: stored.assignment)
            return member
        }
    }

    func snapshot(of groupID: String) -> GroupSnapshot {
        GroupSnapshot(
            groupID: groupID, generation: generation, protocolType: protocolType, protocolName: protocolName,
            leader: leader, stateTimestamp: stateTimestamp >= 0 ? stateTimestamp : nil,
            members: members.map { member in
                GroupSnapshot.Member(
                    id: member.id, instanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost, sessionTimeout: Milliseconds(member.sessionTimeout),
                    rebalanceTimeout: Milliseconds(member.rebalanceTimeout),
                    metadata: Array(member.subscription.readableBytesView),
                    assignment: Array(member.assignment.readableBytesView))
            })
    }

    mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&protocolType)
        try coder.int32(&generation)
        try coder.nullableString(&protocolName)
        try coder.nullableString(&leader)
        try coder.int64(&stateTimestamp, from: 2)
        try coder.array(&members)
    }
}

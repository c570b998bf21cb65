/// Where a ``Subscription`` puts a record that cannot be handled.
///
/// A topic is written through the subscription's own store: the letter is appended to the outbox in the transaction that
/// moves the offset past the record, so it is never lost and never told of in vain. A relay (``OutboxRelay``) must run on
/// the store for it to leave.
///
/// |                              | later records of its key    | order of the key          | retry, skip          |
/// |------------------------------|-----------------------------|---------------------------|----------------------|
/// | ``database``                 | are parked behind it        | kept                      | `tidings deadletters` |
/// | ``topic(_:)``                | are handled                 | not kept: it is left out  | yours: read the topic |
/// | ``databaseAndTopic(_:)``     | are parked behind it        | kept                      | `tidings deadletters` |
///
/// On the topic the letters of one key keep their order, as their key is the record's own.
public enum DeadLetterDestination: Hashable, Sendable {
    /// The subscription's database. Later records of the key in the partition are parked behind it.
    case database

    /// A Kafka topic of that name instead of the database. The partition moves on, later records of the same key too: for
    /// handlers that do not depend on their order.
    case topic(String)

    /// The database, and a Kafka topic of that name beside it, where others can see what happened. Only the records that
    /// failed are told there, each time they do; not those that are parked behind them.
    case databaseAndTopic(String)

    /// The topic to tell, if any.
    var topic: String? {
        switch self {
        case .database: nil
        case .topic(let name), .databaseAndTopic(let name): name
        }
    }

    /// Whether the database keeps the record.
    var isInDatabase: Bool {
        if case .topic = self { false } else { true }
    }
}

/// The headers of a record on a dead-letter topic that say why it is there. The record's own headers, key and value come
/// with it unchanged, but for its stamp.
public enum DeadLetterHeaders {
    /// Why it could not be handled, in words; at most 2,000 characters.
    public static let reason = "tidings-dead-reason"
    /// The topic that it was read from.
    public static let topic = "tidings-dead-topic"
    /// The partition that it was read from.
    public static let partition = "tidings-dead-partition"
    /// Its place in that partition.
    public static let offset = "tidings-dead-offset"
    /// The group that could not handle it.
    public static let group = "tidings-dead-group"
    /// How often it was tried.
    public static let attempts = "tidings-dead-attempts"
    /// When it was given up, as RFC 3339 writes it.
    public static let time = "tidings-dead-time"
}

extension ParkedRecord {
    /// The record as it goes to a dead-letter topic.
    func letter(to topic: String, at time: Timestamp = .now()) -> EventRecord {
        let old: Set<String> = [
            EventStamp.headerName, DeadLetterHeaders.reason, DeadLetterHeaders.topic, DeadLetterHeaders.partition,
            DeadLetterHeaders.offset, DeadLetterHeaders.group, DeadLetterHeaders.attempts, DeadLetterHeaders.time,
        ]
        let own = headers.filter { !old.contains($0.name) }
        let id = own.last { $0.name == CloudEvents.idHeader }?.text
        return EventRecord(
            eventID: EventID(id ?? "\(place.group)/\(place.topic)/\(place.partition)/\(offset)"), topic: topic,
            key: key,
            headers: own + [
                EventHeader(DeadLetterHeaders.reason, String(reason.prefix(2000))),
                EventHeader(DeadLetterHeaders.topic, place.topic),
                EventHeader(DeadLetterHeaders.partition, "\(place.partition)"),
                EventHeader(DeadLetterHeaders.offset, "\(offset)"),
                EventHeader(DeadLetterHeaders.group, place.group),
                EventHeader(DeadLetterHeaders.attempts, "\(attempts)"),
                EventHeader(DeadLetterHeaders.time, time.rfc3339),
            ], value: value)
    }
}

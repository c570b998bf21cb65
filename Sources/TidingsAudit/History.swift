import Tidings

/// Something that is known to have happened.
public enum Fact: Hashable, Sendable, Codable {
    /// An action is committed in the writer's database, and this event tells of it. Within a key, `sequence` is the
    /// order of the commits.
    case actionCommitted(event: EventID, key: String, sequence: Int64)

    /// The caller was told that its action is done. Then it must be committed, whoever is killed afterwards.
    case actionAcknowledged(event: EventID, key: String)

    /// A reader of Kafka can see the event, at this place.
    case eventVisible(event: EventID, key: String, partition: Int32, offset: Int64)

    /// A reader's handler has had its effect in the reader's database.
    case effect(event: EventID, key: String, reader: String)
}

/// What happened in a run: the facts, those of one kind in the order in which they came true.
///
/// Facts are best read from what lasts, after the run: actions from the writer's tables, visible events from the topic,
/// effects from the readers' tables. Then a killed process cannot take its testimony with it.
public struct History: Hashable, Sendable, Codable {
    /// What happened, those of one kind in order.
    public var facts: [Fact]

    /// A history of these facts.
    public init(_ facts: [Fact] = []) {
        self.facts = facts
    }

    /// Adds what happened last.
    public mutating func append(_ fact: Fact) {
        facts.append(fact)
    }
}

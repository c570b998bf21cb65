/// When and how an event leaves, in relation to the action in the local database that it tells of.
///
/// The call site is the same for all three, so a service switches by one word:
///
/// ```swift
/// try await publisher.publish(OrderPlaced(order), to: orders, sending: .outbox) { db in
///     try order.insert(db)
/// }
/// ```
///
/// |                  | action's latency        | when visible         | what can go wrong                          |
/// |------------------|-------------------------|----------------------|--------------------------------------------|
/// | ``afterAction``  | action + sending        | at once              | dies between: the event is *lost*          |
/// | ``beforeAction`` | sending, then action    | before it is true    | action fails: the event is a *ghost*       |
/// | ``outbox``       | action                  | with the next batch  | neither; an event may be sent twice        |
///
/// Each way keeps the order of a key by itself; two of them side by side do not. Where a running service switches from
/// ``outbox`` to another way, an event that is sent directly can overtake an earlier one of its key that still waits in
/// the outbox: let the outbox run empty first.
public enum Sending: String, Codable, CaseIterable, Sendable {
    /// Do it, then send and wait for Kafka's acknowledgement. The simplest way.
    ///
    /// If the process dies between the two, or Kafka cannot be reached, the data has changed and the event never goes
    /// out: a *lost* event. In the second case the call throws ``TidingsError/Code/committedButNotSent``.
    case afterAction

    /// Send and wait for Kafka's acknowledgement, then do it.
    ///
    /// The event tells of something that has not happened yet. If the action then fails, or the process dies between
    /// the two, the event is a *ghost*; in the first case the call throws ``TidingsError/Code/sentButActionFailed``.
    /// The action is delayed by the time the sending takes, and while Kafka is away nothing can be done.
    case beforeAction

    /// Write the event to the local database in the action's own transaction; a relay sends it in a batch.
    ///
    /// The changed data and the event are written in one transaction: both or neither. While Kafka is away, the
    /// service goes on. The price is latency, since the event reaches Kafka only with the next batch (milliseconds
    /// when the relay runs), and a relay that dies between sending and marking sends again after its restart, in the
    /// same order and with the same ids; with ``OutboxPublishing/exactlyOnce`` not even that.
    case outbox
}

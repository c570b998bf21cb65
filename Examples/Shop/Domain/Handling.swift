/// How an event was handled: who did it, from where in the topic, and how long after the order.
struct Handling: Codable, Sendable {
    /// The consumer that did it, such as `invoicing-2`.
    var instance: String
    var partition: Int
    var offset: Int64
    /// From the moment the event happened, by the writer's clock, until it was handled.
    var afterMilliseconds: Int64
}

/// What a comparison lets each way of sending do.
public struct Workload: Hashable, Sendable, Codable {
    /// Actions in a second, one after the other at even distances, whoever is still waiting.
    public var rate = 500
    /// The size of an event's value, in bytes.
    public var eventSize = 500
    /// How many keys the events have.
    public var keys = 100
    /// How long actions go on at that rate, in seconds.
    public var duration = 3.0
    /// How long actions go on as fast as they can, in seconds.
    public var saturation = 2.0
    /// So many callers at once make it as fast as they can.
    public var callers = 32
    /// How often each way is measured, in turn.
    public var repeats = 3
    /// How long Kafka is taken away, in seconds.
    public var outage = 10.0
    /// How long a caller is willing to wait for Kafka, in seconds.
    public var patience = 3.0

    /// What an event's size may be: its number and its key take some, and Kafka takes a megabyte as it comes.
    public static let eventSizes = 50...900_000

    /// The defaults: a comparison takes less than two minutes.
    public init() {}
}

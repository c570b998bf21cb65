/// A property of a topic, as its broker has it.
public struct TopicProperty: Hashable, Sendable {
    /// Who has set a property.
    public enum Source: String, Hashable, Sendable {
        /// The topic itself.
        case topic
        /// The broker, for all topics.
        case broker
        /// Nobody: it is what the broker has by itself.
        case `default`
        /// The broker did not say.
        case unknown
    }

    /// Kafka's name for it, for instance `cleanup.policy`.
    public let name: String
    /// What it is; nil if it has no value, or one that the broker does not tell.
    public let value: String?
    /// Who has set it.
    public let source: Source
    /// Whether the broker lets nobody change it.
    public let isReadOnly: Bool
}

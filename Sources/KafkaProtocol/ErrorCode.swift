/// A Kafka error code as it travels in responses; `.none` (0) is success.
///
///     response.errorCode = .unknownTopicOrPartition
///     if code.isRetriable { retry() }
///
/// Extensible: a code this library has no name for is kept and prints as its number.
public struct ErrorCode: RawRepresentable, Error, Hashable, Sendable, CustomStringConvertible {
    public var rawValue: Int16

    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// Kafka's own name, such as `NOT_LEADER_OR_FOLLOWER`; `ERROR_<number>` when unknown.
    public var name: String { Self.table[rawValue]?.name ?? "ERROR_\(rawValue)" }

    /// Whether Kafka's clients take this for a passing state and try again.
    public var isRetriable: Bool { Self.table[rawValue]?.isRetriable ?? false }

    public var description: String { name }
}

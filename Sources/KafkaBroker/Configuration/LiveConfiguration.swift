import KafkaProtocol
import Logging
import Synchronization

/// The broker's configuration as it is now: what it was started with, and over that what clients have altered since it
/// first ran, which is kept in the `MetadataImage`.
///
/// Any thread may read it. Alterations come one after the other, from the strand of `TopicStore`.
final class LiveConfiguration: Sendable {
    /// What an alteration is of. There is one broker, so both come to the same; the broker's own is the stronger.
    enum Scope: Hashable, Sendable {
        case broker
        case allBrokers
    }

    /// Where a value comes from, the strongest first; the numbers are those of DescribeConfigs.
    enum Source: Int8, Sendable {
        case topic = 1
        case broker = 2
        case allBrokers = 3
        case start = 4
        case builtIn = 5
    }

    private struct State {
        var current: BrokerConfiguration
        var altered: [Scope: [String: String]] = [:]
        var listeners: [@Sendable (BrokerConfiguration) -> Void] = []
    }

    private let start: BrokerConfiguration
    private let metadata: MetadataStore
    private let state: Mutex<State>

    init(start: BrokerConfiguration, metadata: MetadataStore, logger: Logger) {
        self.start = start
        self.metadata = metadata
        let stored = Dictionary(metadata.image.brokers.map { ($0.name, $0.properties.values) }) { $1 }
        var altered: [Scope: [String: String]] = [:]
        for scope in [Scope.broker, .allBrokers] { altered[scope] = stored[Self.name(scope, start)] }
        var current = start
        for (name, value) in Self.overlay(altered) {
            do {
                try current.set(name, to: value)
            } catch {
                logger.warning("an altered property is not understood any more", metadata: ["reason": "\(error)"])
            }
        }
        if let conflict = BrokerProperty.conflict(in: current) {
            logger.warning("altered properties do not count: \(conflict)")
            current = start
        }
        state = Mutex(State(current: current, altered: altered))
    }

    var current: BrokerConfiguration { state.withLock { $0.current } }

    /// Calls `body` after each alteration, on the thread that made it.
    func onChange(_ body: @escaping @Sendable (BrokerConfiguration) -> Void) {
        state.withLock { $0.listeners.append(body) }
    }

    /// The values that a property has been given, the strongest first; at least what it has when nobody gives it any.
    func values(of name: String) -> [(source: Source, value: String)] {
        let altered = state.withLock { $0.altered }
        let builtIn = BrokerConfiguration(dataDirectory: "").value(of: name)
        let started = start.value(of: name)
        let all: [(Source, String?)] = [
            (.broker, altered[.broker]?[name]), (.allBrokers, altered[.allBrokers]?[name]),
            (.start, started == builtIn ? nil : started), (.builtIn, builtIn),
        ]
        return all.compactMap { source, value in value.map { (source, $0) } }
    }

    /// What was altered.
    func altered(_ scope: Scope) -> [String: String] { state.withLock { $0.altered[scope] ?? [:] } }

    /// Changes properties, durably and at once. Blocks.
    ///
    /// - Throws: `TopicError`, and nothing has changed.
    func alter(_ scope: Scope, _ change: ConfigurationChange, onlyValidate: Bool) throws(TopicError) {
        let (before, current) = state.withLock { ($0.altered, $0.current) }
        var altered = before
        let properties = try change.applied(to: before[scope] ?? [:], by: BrokerRules(current: current))
        altered[scope] = properties
        let changed = try configuration(altered)
        if onlyValidate { return }
        do {
            try metadata.update { [start] image in
                let name = Self.name(scope, start)
                image.brokers.removeAll { $0.name == name }
                if !properties.isEmpty { image.brokers.append(.init(name: name, properties: properties)) }
            }
        } catch {
            throw TopicError(.kafkaStorageError, "the change cannot be written: \(error)")
        }
        let listeners = state.withLock { state in
            state.current = changed
            state.altered = altered
            return state.listeners
        }
        for listener in listeners { listener(changed) }
    }

    private func configuration(_ altered: [Scope: [String: String]]) throws(TopicError) -> BrokerConfiguration {
        var changed = start
        for (name, value) in Self.overlay(altered) {
            do {
                try changed.set(name, to: value)
            } catch {
                throw TopicError(.invalidRequest, "\(error)")
            }
        }
        if let conflict = BrokerProperty.conflict(in: changed) { throw TopicError(.invalidRequest, conflict) }
        let topics = TopicConfiguration(overrides: [:], defaults: changed.topicDefaults)
        if let conflict = topics.conflict { throw TopicError(.invalidRequest, conflict.message) }
        return changed
    }

    private static func overlay(_ altered: [Scope: [String: String]]) -> [String: String] {
        (altered[.allBrokers] ?? [:]).merging(altered[.broker] ?? [:]) { $1 }
    }

    private static func name(_ scope: Scope, _ configuration: BrokerConfiguration) -> String {
        scope == .broker ? "\(configuration.nodeID)" : ""
    }
}

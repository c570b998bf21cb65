import KafkaProtocol

/// What a client wants changed of one resource's properties.
struct ConfigurationChange: Sendable {
    /// The numbers are those of IncrementalAlterConfigs.
    enum Operation: Int8, Sendable {
        case set = 0
        /// Back to what holds without it.
        case delete = 1
        /// Of a list.
        case append = 2
        case subtract = 3
    }

    struct Step: Sendable {
        var name: String
        var operation: Operation
        var value: String?
    }

    /// Whether everything that is not named returns to what holds without it (AlterConfigs).
    var startsAnew = false
    var steps: [Step]

    /// What is set of a resource after the change.
    ///
    /// - Throws: `TopicError`, and nothing of the change is to count.
    func applied(to old: [String: String], by rules: some PropertyRules) throws(TopicError) -> [String: String] {
        var named: Set<String> = []
        for step in steps where !named.insert(step.name).inserted {
            throw TopicError(.invalidRequest, "\(step.name) is named more than once")
        }
        var result = startsAnew ? [:] : old
        for step in steps {
            result[step.name] = try value(step, instead: result[step.name], by: rules)
        }
        return result
    }

    private func value(
        _ step: Step, instead old: String?, by rules: some PropertyRules
    ) throws(TopicError) -> String? {
        if step.operation == .delete { return nil }
        let type = try rules.type(of: step.name)
        guard let value = step.value else { throw TopicError(.invalidRequest, "\(step.name) has no value") }
        if step.operation == .set { return try rules.check(value, of: step.name) }
        guard type == .list else {
            throw TopicError(.invalidConfig, "\(step.name) is no list: nothing can be added to it or taken from it")
        }
        let present = Self.items(old ?? rules.present(step.name))
        let given = Self.items(value)
        let items =
            step.operation == .append
            ? present + given.filter { !present.contains($0) } : present.filter { !given.contains($0) }
        return try rules.check(items.joined(separator: ","), of: step.name)
    }

    private static func items(_ list: String) -> [String] {
        list.split(separator: ",").map { $0.filter { $0 != " " } }
    }
}

/// Which properties a resource has, and what they take.
protocol PropertyRules {
    /// - Throws: when there is no such property, or it cannot be altered.
    func type(of name: String) throws(TopicError) -> PropertyType
    /// The value in its usual form, or why it is none.
    func check(_ value: String, of name: String) throws(TopicError) -> String
    /// The value that holds while the resource has none of its own.
    func present(_ name: String) -> String
}

/// The properties of a topic.
struct TopicRules: PropertyRules {
    /// The broker's, by the topic's names.
    let defaults: [String: String]

    func type(of name: String) throws(TopicError) -> PropertyType {
        try property(name).type
    }

    func check(_ value: String, of name: String) throws(TopicError) -> String {
        try property(name).validate(value)
    }

    func present(_ name: String) -> String {
        TopicConfiguration(overrides: [:], defaults: defaults)[name]
    }

    private func property(_ name: String) throws(TopicError) -> TopicProperty {
        guard let property = TopicProperty.byName[name] else {
            throw TopicError(.invalidConfig, "there is no topic property \(name)")
        }
        return property
    }
}

/// The properties of the broker, its defaults for topics among them.
struct BrokerRules: PropertyRules {
    let current: BrokerConfiguration

    func type(of name: String) throws(TopicError) -> PropertyType {
        if let property = TopicProperty.byBrokerName[name] { return property.type }
        guard let property = BrokerProperty.byName[name] else {
            throw TopicError(.invalidRequest, "there is no broker property \(name)")
        }
        guard property.isLive else {
            throw TopicError(.invalidRequest, "\(name) cannot be altered while the broker runs; start it with another")
        }
        return property.type
    }

    func check(_ value: String, of name: String) throws(TopicError) -> String {
        var scratch = BrokerConfiguration(dataDirectory: "")
        do {
            try scratch.set(name, to: value)
        } catch {
            throw TopicError(.invalidRequest, "\(error)")
        }
        return scratch.value(of: name) ?? value
    }

    func present(_ name: String) -> String { current.value(of: name) ?? "" }
}

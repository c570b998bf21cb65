import KafkaProtocol

/// A property with the values it was given.
struct PropertyInForce {
    struct Value {
        /// What the property is called there.
        var name: String
        var value: String
        var source: LiveConfiguration.Source
    }

    let name: String
    let type: PropertyType
    let documentation: String
    let isReadOnly: Bool
    /// The strongest first; one at least.
    var values: [Value]

    init(name: String, type: PropertyType, documentation: String, isReadOnly: Bool, values: [Value]) {
        self.name = name
        self.type = type
        self.documentation = documentation
        self.isReadOnly = isReadOnly
        self.values = values
    }

    init(_ property: BrokerProperty, live: LiveConfiguration) {
        self.init(
            name: property.name, type: property.type, documentation: property.summary, isReadOnly: !property.isLive,
            values: Self.values(property.name, live))
    }

    /// The broker's property that is the default of a topic's; nil when there is none.
    init?(defaultOf property: TopicProperty, live: LiveConfiguration) {
        guard let name = property.brokerName else { return nil }
        self.init(
            name: name, type: property.type, documentation: property.summary, isReadOnly: false,
            values: Self.values(name, live))
    }

    init(_ property: TopicProperty, overrides: [String: String], live: LiveConfiguration) {
        var values: [Value] = []
        if let own = overrides[property.name] {
            values.append(Value(name: property.name, value: own, source: .topic))
        }
        values +=
            property.brokerName.map { Self.values($0, live) }
            ?? [Value(name: property.name, value: property.defaultValue, source: .builtIn)]
        self.init(
            name: property.name, type: property.type,
            documentation: property.hasEffect ? property.summary : "checked and kept; has no effect here",
            isReadOnly: false, values: values)
    }

    private static func values(_ name: String, _ live: LiveConfiguration) -> [Value] {
        live.values(of: name).map { Value(name: name, value: $0.value, source: $0.source) }
    }

    /// Only what one source says.
    func from(_ source: LiveConfiguration.Source) -> PropertyInForce {
        var copy = self
        copy.values = values.filter { $0.source == source }
        return copy
    }

    func config(synonyms: Bool, documentation: Bool) -> DescribeConfigsResponse.Config {
        DescribeConfigsResponse.Config { config in
            config.name = name
            config.value = values.first?.value
            config.readOnly = isReadOnly
            config.configSource = (values.first?.source ?? .builtIn).rawValue
            config.isDefault = (values.first?.source ?? .builtIn) == .builtIn
            config.configType = type.rawValue
            config.documentation = documentation ? self.documentation : nil
            guard synonyms else { return }
            config.synonyms = values.map { value in
                DescribeConfigsResponse.Synonym { synonym in
                    synonym.name = value.name
                    synonym.value = value.value
                    synonym.source = value.source.rawValue
                }
            }
        }
    }
}

extension BrokerConfiguration {
    /// Sets a property by Kafka's name for it, as `--config NAME=VALUE` does.
    ///
    /// - Throws: `BrokerError` with code `.invalidConfiguration` that names the property and what it takes.
    public mutating func set(_ name: String, to value: String) throws {
        if let property = BrokerProperty.byName[name] {
            try property.set(&self, PropertyValue(name: name, text: value))
        } else if let topicProperty = TopicProperty.byBrokerName[name] {
            do {
                topicDefaults[topicProperty.name] = try topicProperty.validate(value)
            } catch {
                throw BrokerError(.invalidConfiguration, "\(name)=\(value): \(error.message)")
            }
        } else {
            throw BrokerError(.invalidConfiguration, "there is no property \(name)\(Self.suggestion(for: name))")
        }
    }

    /// The value of a property that `set` takes, in its usual form; nil when there is no such property.
    func value(of name: String) -> String? {
        if let property = BrokerProperty.byName[name] { return property.get(self) }
        return TopicProperty.byBrokerName[name].map { topicDefaults[$0.name] ?? $0.defaultValue }
    }

    /// A property that `set` takes.
    public struct PropertyDescription: Sendable {
        /// Kafka's name for it.
        public let name: String
        /// Its value when nobody sets it.
        public let defaultValue: String
        /// What it means, in a few words.
        public let summary: String
    }

    /// All properties that `set` takes: the broker's own, then the defaults for topics, each in order of name.
    public static var properties: [PropertyDescription] {
        let blank = BrokerConfiguration(dataDirectory: "")
        let own = BrokerProperty.all.map {
            PropertyDescription(name: $0.name, defaultValue: $0.get(blank), summary: $0.summary)
        }
        let topics = TopicProperty.all.compactMap { property in
            property.brokerName.map {
                PropertyDescription(
                    name: $0, defaultValue: property.defaultValue, summary: property.summary)
            }
        }
        return own.sorted { $0.name < $1.name } + topics.sorted { $0.name < $1.name }
    }

    private static var propertyNames: [String] {
        Array(BrokerProperty.byName.keys) + Array(TopicProperty.byBrokerName.keys)
    }

    /// The known name that looks most like `name`, as the end of a sentence.
    private static func suggestion(for name: String) -> String {
        let distances = propertyNames.map { (name: $0, distance: editDistance(Array($0.utf8), Array(name.utf8))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= 1 + name.utf8.count / 3
        else { return "; `tidings broker --help` lists them" }
        return "; did you mean \(best.name)?"
    }

    /// How many letters have to be put in, taken out or changed to get from one word to the other.
    private static func editDistance(_ from: [UInt8], _ to: [UInt8]) -> Int {
        var row = Array(0...to.count)
        for (index, letter) in from.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in to.indices {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (letter == to[column] ? 0 : 1))
                diagonal = above
            }
        }
        return row[to.count]
    }
}

extension Admin {
    /// Creates topics. `ifMissing` accepts those that are there already, as they are.
    ///
    /// - Parameter validatesOnly: the broker says what it would say, and makes nothing.
    /// - Throws: the first topic's error, after all were tried.
    public func createTopics(
        _ topics: [TopicSpecification], ifMissing: Bool = false, validatesOnly: Bool = false
    ) async throws {
        guard !topics.isEmpty else { return }
        let errors = try await ask {
            $0.createTopics(topics, validatesOnly: validatesOnly, timeout: $1, answer: $2)
        }
        for case let error? in errors where !(ifMissing && error.code == .topicAlreadyExists) { throw error }
    }

    /// Deletes topics with all their records.
    ///
    /// - Throws: the first topic's error, after all were tried.
    public func deleteTopics(_ topics: [String]) async throws {
        guard !topics.isEmpty else { return }
        let errors = try await ask { $0.deleteTopics(topics, timeout: $1, answer: $2) }
        for case let error? in errors { throw error }
    }

    /// Gives topics more partitions, until each has as many as said. Keys then land elsewhere than before: what a key's
    /// readers know of its order ends with this.
    ///
    /// - Parameter validatesOnly: the broker says what it would say, and changes nothing.
    /// - Throws: the first topic's error, after all were tried.
    public func createPartitions(_ totals: [String: Int32], validatesOnly: Bool = false) async throws {
        guard !totals.isEmpty else { return }
        let errors = try await ask {
            $0.createPartitions(totals, validatesOnly: validatesOnly, timeout: $1, answer: $2)
        }
        for case let error? in errors { throw error }
    }

    /// The properties of topics, by their names.
    ///
    /// - Throws: ``KafkaError``, `unknownTopicOrPartition` if one of them is not there.
    public func configurations(ofTopics topics: [String]) async throws -> [String: [TopicProperty]] {
        guard !topics.isEmpty else { return [:] }
        return try await ask { $0.describeConfigurations(topics, timeout: $1, answer: $2) }
    }

    /// Sets properties of a topic, and has others return to their defaults.
    ///
    /// ```swift
    /// try await admin.alterConfiguration(ofTopic: "customer", set: ["cleanup.policy": "compact"])
    /// ```
    ///
    /// librdkafka 2.0.2 can only replace all that a topic has set, so this asks for it first: of two who alter the same
    /// topic at the same time, one may undo what the other has done.
    ///
    /// - Parameters:
    ///   - set: the properties to set, by Kafka's names.
    ///   - reset: the properties that are to have their defaults again.
    ///   - validatesOnly: the broker says what it would say, and changes nothing.
    /// - Throws: ``KafkaError``, with the broker's reason if it refuses a value.
    public func alterConfiguration(
        ofTopic topic: String, set: [String: String] = [:], reset: Set<String> = [], validatesOnly: Bool = false
    ) async throws {
        let now = try await configurations(ofTopics: [topic])[topic] ?? []
        var own: [String: String] = [:]
        for property in now where property.source == .topic && !reset.contains(property.name) {
            own[property.name] = property.value
        }
        let wanted = own.merging(set) { $1 }
        try await ask {
            $0.replaceConfiguration(topic, with: wanted, validatesOnly: validatesOnly, timeout: $1, answer: $2)
        }
    }

    /// Deletes the records of partitions that stand before these offsets; -1 is the end.
    ///
    /// - Returns: where each partition begins now.
    /// - Throws: the first partition's error, after all were tried.
    @discardableResult
    public func deleteRecords(before offsets: [TopicPartition: Int64]) async throws -> [TopicPartition: Int64] {
        guard !offsets.isEmpty else { return [:] }
        return try await ask { $0.deleteRecords(before: offsets, timeout: $1, answer: $2) }
    }
}

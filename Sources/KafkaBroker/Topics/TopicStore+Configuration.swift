import KafkaLog
import KafkaProtocol
import Logging

/// Properties that change while the broker runs. A change is on disk first, then in force in every partition, then
/// answered.
extension TopicStore {
    /// What is set for a topic; the broker's own have some that nobody can change.
    func overrides(of entry: MetadataImage.Topic) -> [String: String] {
        let pinned = TopicName.internal.contains(entry.name) ? InternalLog.properties : [:]
        return entry.configuration.merging(pinned) { $1 }
    }

    func logConfiguration(_ overrides: [String: String]) -> LogConfiguration {
        let broker = live.current
        var log = TopicConfiguration(overrides: overrides, defaults: broker.topicDefaults).log
        log.producerExpirationMilliseconds = broker.producerIDExpiration
        return log
    }

    /// Changes a topic's properties. `completion` is called once, on a storage thread, with the reason if nothing has
    /// changed.
    func alter(
        _ name: String, _ change: ConfigurationChange, onlyValidate: Bool,
        completion: @escaping @Sendable (TopicError?) -> Void
    ) {
        changes.submit {
            do throws(TopicError) {
                let changed = try self.alterNow(name, change, onlyValidate: onlyValidate)
                self.reconfigure(changed.map { [$0] } ?? []) { completion(nil) }
            } catch {
                completion(error)
            }
        }
    }

    /// Changes properties of the broker, and with them the defaults of all topics. `completion` is called once, on a
    /// storage thread, with the reason if nothing has changed.
    func alter(
        _ scope: LiveConfiguration.Scope, _ change: ConfigurationChange, onlyValidate: Bool,
        completion: @escaping @Sendable (TopicError?) -> Void
    ) {
        changes.submit {
            do throws(TopicError) {
                try self.checkOpen()
                try self.live.alter(scope, change, onlyValidate: onlyValidate)
                if onlyValidate { return completion(nil) }
                self.logger.info(
                    "altered the broker's properties", metadata: ["properties": "\(self.live.altered(scope))"])
                self.reconfigure(self.all) { completion(nil) }
            } catch {
                completion(error)
            }
        }
    }

    // MARK: On the strand

    private func alterNow(
        _ name: String, _ change: ConfigurationChange, onlyValidate: Bool
    ) throws(TopicError) -> Topic? {
        try checkOpen()
        guard let topic = topic(named: name) else {
            throw TopicError(.unknownTopicOrPartition, "there is no topic \(name)")
        }
        guard !topic.isInternal else { throw TopicError(.invalidRequest, "\(name) is the broker's own") }
        let defaults = live.current.topicDefaults
        let overrides = try change.applied(to: topic.configuration, by: TopicRules(defaults: defaults))
        if let conflict = TopicConfiguration(overrides: overrides, defaults: defaults).conflict { throw conflict }
        if onlyValidate || overrides == topic.configuration { return nil }
        let entry = MetadataImage.Topic(
            name: name, id: topic.id, partitions: Int32(topic.partitions.count), configuration: overrides)
        try replace(entry)
        for name in overrides.keys where overrides[name] != topic.configuration[name] {
            warnIfWithoutEffect(name, of: entry.name)
        }
        logger.info("altered a topic's properties", metadata: ["topic": "\(name)", "properties": "\(overrides)"])
        return publish(entry, logs: [], behind: topic.partitions)
    }

    /// Writes what is said of a topic anew.
    func replace(_ entry: MetadataImage.Topic) throws(TopicError) {
        do {
            try metadata.update { image in
                guard let index = image.topics.firstIndex(where: { $0.id == entry.id }) else { return }
                image.topics[index] = entry
            }
        } catch {
            throw TopicError(.kafkaStorageError, "the change cannot be written: \(error)")
        }
    }

    /// Says in the log that a property is kept and changes nothing.
    func warnIfWithoutEffect(_ property: String, of topic: String) {
        guard TopicProperty.byName[property]?.hasEffect == false else { return }
        logger.notice(
            "a topic property has no effect here", metadata: ["topic": "\(topic)", "property": "\(property)"])
    }

    /// Lets the partitions work by what holds for them now, and calls `done` when all do.
    private func reconfigure(_ topics: [Topic], then done: @escaping @Sendable () -> Void) {
        let partitions = topics.flatMap { topic in
            let configuration = logConfiguration(topic.configuration)
            return topic.partitions.map { ($0, configuration) }
        }
        let countdown = Countdown(partitions.count + 1, then: done)
        for (partition, configuration) in partitions {
            partition.reconfigure(configuration) { countdown.tick() }
        }
        countdown.tick()
    }
}

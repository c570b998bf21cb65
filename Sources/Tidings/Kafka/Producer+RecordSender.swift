import KafkaClient

/// A Kafka producer is what records usually leave through.
extension Producer: RecordSender {
    /// Sends the records in one batch, each to the partition that its key decides.
    public func send(_ records: [EventRecord]) async throws -> [SendOutcome] {
        do {
            return try await send(records.map(\.message)).map(SendOutcome.init)
        } catch let error as KafkaError {
            throw SendFailure(error)
        }
    }
}

extension EventRecord {
    /// The record as a producer takes it.
    var message: ProducerMessage {
        ProducerMessage(topic: topic, key: key, value: value, headers: packed)
    }
}

extension SendOutcome {
    init(_ report: Result<RecordMetadata, KafkaError>) {
        switch report {
        case .success(let place): self = .sent(partition: place.partition, offset: place.offset)
        case .failure(let error): self = .failed(SendFailure(error))
        }
    }
}

extension SendFailure {
    /// Only what is the record's own fault is final. A missing topic or right is put right elsewhere, and then the
    /// record goes as it is.
    init(_ error: KafkaError) {
        let isFatal = error.isFatal || [.closed, .purged, .purgedInFlight].contains(error.code)
        self.init(
            message: error.description, isRetriable: !isFatal && !KafkaError.Code.faultsOfRecord.contains(error.code),
            isFatal: isFatal,
            mayBeOut: isFatal
                || !KafkaError.Code.faultsOfRecord.union(KafkaError.Code.refusals).contains(error.code),
            fault: KafkaError.Code.faultsOfTopic.contains(error.code)
                ? .topic : error.code == .messageTooLarge ? .size : nil)
    }
}

extension KafkaError.Code {
    /// What Kafka answers when it will never take a record as it is, and what librdkafka says in its place.
    fileprivate static let faultsOfRecord: Set<KafkaError.Code> = [
        .messageTooLarge,
        KafkaError.Code(rawValue: 2),  // CORRUPT_MESSAGE; librdkafka: INVALID_MSG
        KafkaError.Code(rawValue: 17),  // INVALID_TOPIC_EXCEPTION
        KafkaError.Code(rawValue: 32),  // INVALID_TIMESTAMP
        KafkaError.Code(rawValue: 87),  // INVALID_RECORD
        KafkaError.Code(rawValue: -186),  // librdkafka: INVALID_ARG, such as a topic's name of over 512 bytes
    ]

    /// What it answers of a topic that may be made, or to which a right may be given.
    fileprivate static let faultsOfTopic: Set<KafkaError.Code> = [
        .unknownTopic, .unknownTopicOrPartition,
        KafkaError.Code(rawValue: 29),  // TOPIC_AUTHORIZATION_FAILED
    ]

    /// What else is an answer before anything is written, or is said before anything is sent.
    fileprivate static let refusals: Set<KafkaError.Code> = faultsOfTopic.union([
        KafkaError.Code(rawValue: 31),  // CLUSTER_AUTHORIZATION_FAILED
        KafkaError.Code(rawValue: 44),  // POLICY_VIOLATION
        KafkaError.Code(rawValue: -184),  // librdkafka: QUEUE_FULL
        KafkaError.Code(rawValue: -190),  // librdkafka: UNKNOWN_PARTITION
    ])
}

extension ProducerConfiguration {
    /// For an ``/Tidings/OutboxRelay``: idempotent, acknowledged by all, and without a delivery timeout, so that a record waits
    /// for Kafka as long as it takes and is never overtaken by a later one of its key. That a topic is missing is told soon:
    /// others wait meanwhile, and the relay has a patience of its own (``/Tidings/OutboxRelayConfiguration/topicPatience``).
    public static func relay(_ kafka: KafkaConfiguration) -> ProducerConfiguration {
        var configuration = ProducerConfiguration(kafka)
        configuration.acknowledgements = .all
        configuration.isIdempotent = true
        configuration.deliveryTimeout = .zero
        configuration.linger = .zero
        configuration.unknownTopicTimeout = .seconds(1)
        // The relay has waited already, and what is not out is still in the outbox.
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }
}

/// How a ``TransactionalProducer`` sends.
public struct TransactionalProducerConfiguration: Sendable {
    /// Who it is, across restarts and machines: whoever starts under this id ends what its predecessor left open, and
    /// fences it (KIP-98). Two that are to live side by side need two ids.
    public var transactionalID: String
    /// How it sends within a transaction. It is always idempotent and acknowledged by all, and a delivery may take two
    /// thirds of ``transactionTimeout`` at most.
    public var sending: ProducerConfiguration
    /// The coordinator ends a transaction that is open for longer, and its producer is fenced. A producer that dies
    /// holds up readers of committed records for as long, unless a successor starts; the broker's
    /// `transaction.max.timeout.ms` (15 minutes) is the most.
    public var transactionTimeout: Duration = .seconds(60)

    /// The defaults, under this id, for this cluster.
    public init(_ kafka: KafkaConfiguration, transactionalID: String) {
        self.transactionalID = transactionalID
        sending = ProducerConfiguration(kafka)
        sending.linger = .zero
    }

    /// What the producer underneath is made with.
    var producer: ProducerConfiguration {
        var producer = sending
        producer.acknowledgements = .all
        producer.isIdempotent = true
        // Zero means without end. Where a broker dies under an abort, librdkafka may wait for messages on their way until
        // their time is up: it must be before the transaction's, or the coordinator ends that and fences the producer.
        let longest = transactionTimeout * 2 / 3
        producer.deliveryTimeout = sending.deliveryTimeout > .zero ? min(sending.deliveryTimeout, longest) : longest
        // Earlier, so that it is told for what it is.
        producer.unknownTopicTimeout = min(sending.unknownTopicTimeout, producer.deliveryTimeout / 2)
        producer.kafka.properties = [
            "transactional.id": transactionalID,
            "transaction.timeout.ms": "\(transactionTimeout.milliseconds)",
            // A request that is never answered must end before the transaction does.
            "socket.timeout.ms": "\(min(60_000, max(10, transactionTimeout.milliseconds - 200)))",
        ].merging(sending.kafka.properties) { _, own in own }
        return producer
    }
}

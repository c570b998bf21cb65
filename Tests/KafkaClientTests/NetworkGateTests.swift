import KafkaClient
import Testing

@Suite(.timeLimit(.minutes(2)))
struct NetworkGateTests {
    @Test("behind a closed gate Kafka is away; what waits goes out when it is opened", arguments: TestKafka.all)
    func closedAndOpened(_ kafka: TestKafka) async throws {
        try await withCluster(kafka) { cluster in
            let topic = try await cluster.topic("gate", partitions: 1)
            let gate = NetworkGate()
            var guarded = cluster.kafka
            guarded.gate = gate
            var hasty = ProducerConfiguration(guarded)
            hasty.deliveryTimeout = .milliseconds(300)
            let hastyProducer = try Producer(hasty, logger: cluster.logger)
            let patientProducer = try Producer(ProducerConfiguration(guarded), logger: cluster.logger)
            _ = try await hastyProducer.send([ProducerMessage(topic: topic, value: "a")])[0].get()

            gate.close()
            let refused = try await hastyProducer.send([ProducerMessage(topic: topic, value: "b")])[0]
            #expect(throws: KafkaError.self) { try refused.get() }
            async let waiting = patientProducer.send([ProducerMessage(topic: topic, value: "c")])
            // Whoever does not go through the gate has Kafka all the time.
            let free = try Producer(ProducerConfiguration(cluster.kafka), logger: cluster.logger)
            let beside = try await free.send([ProducerMessage(topic: topic, value: "d")])[0].get()

            gate.open()
            let sent = try await waiting[0].get()
            #expect(sent.offset > beside.offset)
        }
    }
}

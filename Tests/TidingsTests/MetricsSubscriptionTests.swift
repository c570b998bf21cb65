import KafkaClient
import Logging
import Metrics
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import TidingsMetrics
import TidingsTesting

@testable import Tidings

/// What outbox and subscription tell in Prometheus' format.
@Suite(.serialized, .timeLimit(.minutes(2))) struct MetricsSubscriptionTests {
    private struct Poison: Error {}

    private static let metrics: PrometheusMetrics = {
        let metrics = PrometheusMetrics()
        MetricsSystem.bootstrap(metrics)
        return metrics
    }()

    private let group = uniqueName("readers")

    /// The number of a metric of this group's; nil while it is not told.
    private func value(_ name: String, _ labels: String = "") -> Double? {
        let labels = labels.isEmpty ? "group=\"\(group)\"" : "group=\"\(group)\",\(labels)"
        let line = Self.metrics.text().split(separator: "\n").first { $0.hasPrefix("\(name){\(labels)} ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }

    private func deliveries(_ offsets: Range<Int64>, batch: Int64) throws -> [Delivery] {
        try offsets.map { offset in
            let record = try EventRecord(
                Placed(orderID: "k\(offset % 3)", total: Int(offset)), id: EventID("e\(offset)"), topic: Topic("order"),
                source: "/test")
            let stamp = EventStamp(source: StampSource(outbox: "o", shard: 0), batch: batch, index: Int32(offset % 9))
            return Delivery(
                topic: "order", partition: 0, offset: offset, key: record.key, value: record.value,
                headers: record.headers + [stamp.header])
        }
    }

    @Test("a group tells what it handled, how long handlers took, what it parked and which duplicates it passed over")
    func handled() async throws {
        _ = Self.metrics
        let (store, place) = (InMemoryStore(), GroupPartition(group: group, topic: "order", partition: 0))
        let handlers = HandlerTable<InMemoryStore.Transaction>()
        handlers.add(Placed.self) { delivery, codecs in
            let event = try codecs.decode(Placed.self, from: delivery)
            return { _ in if event.total == 1 { throw Poison() } }
        }
        let handling = PartitionHandling(
            store: store, handlers: handlers, configuration: SubscriptionConfiguration(), clock: ContinuousClock(),
            probe: nil, logger: .silent, metrics: SubscriptionMetrics(group: group))
        let progress = try await handling.handle(
            deliveries(0..<9, batch: 1), of: place, from: LaneState(.only, offset: nil))
        guard case .handled(let state) = progress else { return }
        var again = try deliveries(0..<9, batch: 1)
        for index in again.indices { again[index].offset += 9 }
        _ = try await handling.handle(again, of: place, from: state)
        #expect(value("tidings_subscription_handled_total") == 6)
        #expect(value("tidings_subscription_parked_total") == 3)
        #expect(value("tidings_subscription_failures_total") == 1)
        #expect(value("tidings_subscription_duplicates_total") == 9)
        #expect(value("tidings_subscription_handler_seconds_count") ?? 0 >= 7)
        #expect(value("tidings_subscription_transaction_seconds_count") ?? 0 >= 2)
    }

    @Test("lag by partition and parked keys are told while it runs, and the lag is withdrawn at the end")
    func lag() async throws {
        _ = Self.metrics
        let topic = Topic<Placed>(uniqueName("order"))
        try await withKafka { bootstrap in
            let kafka = KafkaConfiguration(bootstrap)
            try await Admin(kafka, logger: .silent).create(topic, partitions: 1)
            let producer = try Producer(ProducerConfiguration(kafka), logger: .silent)
            let publisher = Publisher(store: InMemoryStore(), producer: producer, source: "/test")
            for number in 0..<10 {
                try await publisher.publish(
                    Placed(orderID: "o\(number)", total: number), to: topic, sending: .afterAction
                ) {
                    _ in
                }
            }
            let mayGo = Latch()
            var configuration = SubscriptionConfiguration()
            configuration.deadLetterInterval = .milliseconds(5)
            let subscription = Subscription(
                to: [topic.name], group: group, store: InMemoryStore(), kafka: kafka, configuration: configuration,
                logger: .silent)
            subscription.handle(Placed.self) { _, _ in
                await mayGo.wait()
            } _: { event, _, _, _ in
                if event.total == 3 { throw Poison() }
            }
            let services = ServiceGroup(services: [subscription], logger: .silent)
            let place = "partition=\"0\",topic=\"\(topic.name)\""
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                let lag = { self.value("tidings_subscription_lag", place) }
                while lag() != 10 { try await Task.sleep(for: .milliseconds(2)) }
                mayGo.open()
                while lag() != 0 { try await Task.sleep(for: .milliseconds(2)) }
                while value("tidings_subscription_parked_keys") != 1 { try await Task.sleep(for: .milliseconds(2)) }
                await services.triggerGracefulShutdown()
                try await tasks.waitForAll()
                #expect(lag() == nil)
            }
        }
    }

    @Test("a relay tells how much it sent, how old the oldest unsent event is and how long sending took")
    func relay() async throws {
        _ = Self.metrics
        let (store, sender) = (InMemoryStore(), RecordingSender())
        let publisher = Publisher(store: store, source: "/test")
        let before = number("tidings_outbox_sent_total") ?? 0
        let relay = OutboxRelay(store: store, producer: sender, logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await relay.run() }
            try await publisher.publish(Placed(orderID: "o", total: 1), to: Topic("order")) { _ in }
            _ = await sender.records(atLeast: 1)
            while number("tidings_outbox_sent_total") ?? 0 <= before { try await Task.sleep(for: .milliseconds(2)) }
            tasks.cancelAll()
            try? await tasks.waitForAll()
        }
        #expect(number("tidings_outbox_delay_seconds_count") ?? 0 >= 1)
        #expect(number("tidings_outbox_batch_size_count") ?? 0 >= 1)
        #expect(number("tidings_outbox_oldest_unsent_seconds") != nil)
    }

    private func number(_ name: String) -> Double? {
        let line = Self.metrics.text().split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }
    }
}

import KafkaClient
import Logging
import ServiceLifecycle
import Tidings

/// The relay of the order service's outbox, with a producer of its own: its messages never time out, since one that
/// did and was sent again could overtake another.
struct Relay {
    let services: [any Service]

    /// - Parameter name: the relay's; one that is started again under it need not wait for its former self's lease.
    init(
        _ database: OrderDatabase, _ topic: OrderTopic, _ kafka: KafkaConfiguration, name: String,
        probe: DeathAtStep? = nil, logger: Logger
    ) throws {
        let producer = try Producer(.relay(kafka), logger: logger)
        let sender = OrderTopicSender(topic: topic, producer: producer)
        services = [producer, database.store.relay(sender, name: name, probe: probe, logger: logger)]
    }
}

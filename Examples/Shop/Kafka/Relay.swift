import KafkaClient
import Logging
import ServiceLifecycle
import Tidings

/// The relay of a service's outbox, with a producer of its own: its messages never time out, since one that did and was
/// sent again could overtake another.
struct Relay {
    let services: [any Service]

    /// - Parameter name: the relay's; one that is started again under it need not wait for its former self's lease.
    init(
        _ store: any ShopStore, _ topics: ShopTopics, _ kafka: KafkaConfiguration, name: String,
        probe: DeathAtStep? = nil, logger: Logger
    ) throws {
        let producer = try Producer(.relay(kafka), logger: logger)
        let sender = TopicSender(topics: topics, producer: producer)
        services = [producer, store.relay(sender, name: name, probe: probe, logger: logger)]
    }
}

extension ShopStore {
    fileprivate func relay(_ sender: TopicSender, name: String, probe: DeathAtStep?, logger: Logger) -> any Service {
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = name
        return OutboxRelay(store: self, producer: sender, configuration: configuration, probe: probe, logger: logger)
    }
}

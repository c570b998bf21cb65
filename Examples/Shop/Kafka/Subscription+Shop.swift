import KafkaClient
import Logging
import Tidings
import TidingsSQLite

extension Subscription where S == SQLiteStore {
    /// One instance of a service, reading what happened to orders. Its name is static: one that is started again gets
    /// its partitions back at once.
    static func toOrders(
        group: String, instance: String, store: SQLiteStore, shop: ShopOptions, logger: Logger
    ) -> Subscription<SQLiteStore> {
        var configuration = SubscriptionConfiguration()
        configuration.instanceID = instance
        configuration.sessionTimeout = .seconds(6)
        var kafka = shop.kafkaConfiguration(client: instance)
        // A member hears of another one's coming or going with its next heartbeat; Kafka's three seconds are long for
        // someone who watches. What is given with -X wins.
        kafka.properties.merge(["heartbeat.interval.ms": "500"]) { given, _ in given }
        return Subscription(
            to: [shop.topic], group: shop.group(group), store: store, kafka: kafka,
            configuration: configuration, logger: logger)
    }
}

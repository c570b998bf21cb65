import KafkaClient
import Processes
import Testing
import Tidings
import TidingsPostgres

@Suite("Tutorial: growing past one machine", .timeLimit(.minutes(2)))
struct Growing {
    @Test("the service on PostgreSQL and on a Kafka that is named from outside")
    func onTheirs() async throws {
        try await withPostgresDatabase { url in
            try await withKafka { bootstrap in
                let (database, logger) = (url, quiet)
                let group = uniqueName("invoicing"), name = uniqueName("order")
                var kafka = KafkaConfiguration(bootstrap, clientID: "order")
                kafka.properties["socket.keepalive.enable"] = "true"
                try await Admin(kafka, logger: logger).create(Topic<OrderPlaced>(name), partitions: 5)

                var configuration = PostgresConfiguration(database)
                configuration.maximumConnections = 16
                let store = try await PostgresStore(configuration, logger: logger)

                let invoicing = Subscription(to: [name], group: group, store: store, kafka: kafka, logger: logger)
                invoicing.handle(OrderPlaced.self) { event, delivery, db in
                    try db.execute("insert into invoice values ($1, $2)", event.order, event.cents)
                }

                try await store.transaction { db in
                    try db.execute("create table invoice (id text primary key, cents bigint not null)")
                }
                let relay = try OutboxRelay(store: store, kafka: kafka, logger: logger)
                try await running([relay, invoicing]) {
                    let placed = OrderPlaced(order: "1", cents: 4200)
                    try await Publisher(store: store, source: "/shop").publish(placed, to: Topic(name)) { _ in }
                    try await eventually("the invoice is there") {
                        try await store.transaction { db in try !db.query("select 1 from invoice").isEmpty }
                    }
                }
                store.close()
            }
        }
    }

    @Test("a cluster with TLS and SASL is configuration only")
    func secured() throws {
        var kafka = KafkaConfiguration("kafka-1.example:9093,kafka-2.example:9093", clientID: "order")
        kafka.properties["security.protocol"] = "sasl_ssl"
        kafka.properties["sasl.mechanism"] = "SCRAM-SHA-512"
        kafka.properties["sasl.username"] = "order"
        kafka.properties["sasl.password"] = "from your secrets, not from your code"
        kafka.properties["ssl.ca.location"] = "/etc/ssl/certs/ca-certificates.crt"
        let producer = try Producer(.relay(kafka), logger: quiet)
        #expect(producer.unsettled == 0)
    }
}

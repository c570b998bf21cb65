import GRDB
import KafkaClient
import Logging
import Processes
import Testing
import Tidings
import TidingsPostgres
import TidingsSQLite
import TidingsTesting

@Suite("Tutorial: the outbox", .timeLimit(.minutes(2)))
struct Outbox {
    private let orders = Topic<OrderPlaced>("order")
    private let placed = OrderPlaced(order: "1", cents: 4200)

    @Test("on SQLite, in a transaction of the caller's own: both or neither")
    func sqlite() async throws {
        struct OutOfStock: Error {}
        let folder = try TemporaryDirectory.make(prefix: "tutorial")
        let (placed, orders) = (placed, orders)
        let path = "\(folder)/order.sqlite"
        let store = try SQLiteStore(path: path)
        let publisher = Publisher(store: store, source: "/shop/order")
        try await store.pool.write { db in
            try db.execute(sql: "CREATE TABLE purchase (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)")
        }

        try await store.pool.write { db in
            try db.execute(sql: "INSERT INTO purchase VALUES (?, ?)", arguments: [placed.order, placed.cents])
            try publisher.append(placed, to: orders, in: db)
        }

        await #expect(throws: OutOfStock.self) {
            try await publisher.publish(OrderPlaced(order: "2", cents: 1), to: orders) { db in
                try db.execute(sql: "INSERT INTO purchase VALUES ('2', 1)")
                throw OutOfStock()
            }
        }
        let waiting = try await store.transaction { db in try store.outboxStatus(in: db).pending }
        #expect(waiting == 1)
        try TemporaryDirectory.remove(folder)
    }

    @Test("on PostgreSQL, with the same call site")
    func postgres() async throws {
        let placed = placed
        try await withPostgresDatabase { url in
            let logger = quiet
            let store = try await PostgresStore(PostgresConfiguration(url), logger: logger)
            let publisher = Publisher(store: store, source: "/shop/order")
            try await store.transaction { db in
                try db.execute("create table purchase (id text primary key, cents bigint not null)")
            }

            try await publisher.publish(placed, to: Topic("order")) { db in
                try db.execute("insert into purchase values ($1, $2)", placed.order, placed.cents)
            }

            let waiting = try await store.transaction { db in try store.outboxStatus(in: db).pending }
            #expect(waiting == 1)
            store.close()
        }
    }

    @Test("in PostgreSQL's log, with the same call site")
    func postgresLog() async throws {
        let placed = placed
        try await withPostgresDatabase(onOwnServer: true) { url in
            let (configuration, logger) = (PostgresConfiguration(url), quiet)
            let store = try await PostgresStore(configuration, outbox: .log, logger: logger)
            try await Publisher(store: store, source: "/shop/order").publish(placed, to: Topic("order")) { _ in }
            let waiting = try await store.transaction { db in
                try db.query("select count(*) from tidings_outbox")[0][0] as Int
            }
            #expect(waiting == 0)
            store.close()
            let pool = PostgresPool(configuration, logger: logger)
            try await PostgresLog.remove(pool)
            pool.close()
        }
    }

    @Test("the relay as it is configured in the tutorial publishes")
    func relay() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tutorial")
        let (placed, orders) = (placed, orders)
        try await withBroker { broker in
            let (kafka, logger) = (KafkaConfiguration(broker.bootstrap), quiet)
            try await Admin(kafka, logger: logger).create(orders, partitions: 5)
            let store = try SQLiteStore(path: "\(folder)/order.sqlite")

            var configuration = OutboxRelayConfiguration()
            configuration.instanceID = "order-1"
            configuration.alarms.unsentAge = .seconds(30)
            configuration.alarms.onChange = { alarm in
                if alarm.isRaised { logger.critical("\(alarm.kind): \(alarm.message)") }
            }
            let relay = try OutboxRelay(
                store: store, kafka: kafka, publishing: .exactlyOnce, configuration: configuration, logger: logger)

            let seen = View("orders", of: ["order"], initial: [String](), kafka: kafka, logger: logger)
            seen.fold(OrderPlaced.self) { orders, event, _ in orders.append(event.order) }
            try await running([relay, seen]) {
                try await Publisher(store: store, source: "/shop/order").publish(placed, to: orders) { _ in }
                try await eventually("the order is in Kafka") { seen.peek { orders, _ in orders == ["1"] } }
            }
        }
        try TemporaryDirectory.remove(folder)
    }
}

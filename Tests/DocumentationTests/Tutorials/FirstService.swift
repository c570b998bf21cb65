import GRDB
import KafkaClient
import Logging
import ServiceLifecycle
import Testing
import Tidings
import TidingsSQLite
import TidingsTesting
import UnixSignals

struct OrderPlaced: Event {
    static let eventType = "shop.order.placed"
    var order: String, cents: Int
    var key: String { order }
}

/// Who places orders.
struct OrderService {
    let store: SQLiteStore
    let publisher: Publisher<SQLiteStore>
    let relay: OutboxRelay<SQLiteStore>

    init(database: String, kafka: KafkaConfiguration, logger: Logger) throws {
        store = try SQLiteStore(path: database)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("purchase") { db in
            try db.execute(sql: "CREATE TABLE purchase (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)")
        }
        try store.migrate(migrator)
        publisher = Publisher(store: store, source: "/shop/order")
        relay = try OutboxRelay(store: store, kafka: kafka, logger: logger)
    }

    func place(_ placed: OrderPlaced) async throws {
        try await publisher.publish(placed, to: Topic("order"), sending: .outbox) { db in
            try db.execute(sql: "INSERT INTO purchase VALUES (?, ?)", arguments: [placed.order, placed.cents])
        }
    }
}

/// Who makes out invoices.
struct InvoicingService {
    let store: SQLiteStore
    let invoicing: Subscription<SQLiteStore>

    init(database: String, kafka: KafkaConfiguration, logger: Logger) throws {
        store = try SQLiteStore(path: database)
        var migrator = DatabaseMigrator()
        migrator.registerMigration("invoice") { db in
            try db.execute(sql: "CREATE TABLE invoice (id TEXT PRIMARY KEY, cents INTEGER NOT NULL)")
        }
        try store.migrate(migrator)
        invoicing = Subscription(to: ["order"], group: "invoicing", store: store, kafka: kafka, logger: logger)
        invoicing.handle(OrderPlaced.self) { event, delivery, db in
            try db.execute(sql: "INSERT INTO invoice VALUES (?, ?)", arguments: [event.order, event.cents])
        }
    }
}

@Suite("Tutorial: a first service", .timeLimit(.minutes(1)))
struct FirstService {
    @Test("an order becomes an invoice")
    func wholeWay() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tutorial")
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            try await Admin(kafka, logger: quiet).create(Topic<OrderPlaced>("order"), partitions: 5)
            let logger = quiet
            let orders = try OrderService(database: "\(folder)/order.sqlite", kafka: kafka, logger: logger)
            let invoices = try InvoicingService(database: "\(folder)/invoicing.sqlite", kafka: kafka, logger: logger)
            try await running([orders.relay, invoices.invoicing]) {
                try await orders.place(OrderPlaced(order: "1", cents: 4200))
                for try await count in invoices.count where count == 1 { break }
            }
            #expect(try await invoices.cents(of: "1") == 4200)
        }
        try TemporaryDirectory.remove(folder)
    }

    @Test("the program of the tutorial places an order, and stops when it is told to")
    func program() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tutorial")
        let (_, order, logger) = (Self.local().0, Self.local().1, quiet)
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            try await Admin(kafka, logger: logger).create(Topic<OrderPlaced>("order"), partitions: 5)

            let orders = try OrderService(database: "\(folder)/order.sqlite", kafka: kafka, logger: logger)
            let invoices = try InvoicingService(database: "\(folder)/invoicing.sqlite", kafka: kafka, logger: logger)

            let services = ServiceGroup(
                services: [orders.relay, invoices.invoicing],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger)

            async let stopped: Void = {
                for try await count in invoices.count where count == 1 { break }
                await services.triggerGracefulShutdown()
            }()

            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                try await orders.place(OrderPlaced(order: order, cents: 4200))
                try await tasks.waitForAll()
            }

            try await stopped
        }
        try TemporaryDirectory.remove(folder)
    }

    private static func local() -> (KafkaConfiguration, String, Logger) {
        let logger = Logger(label: "first-service")
        let kafka = KafkaConfiguration("127.0.0.1:9092")
        let order = CommandLine.arguments.dropFirst().first ?? EventID().rawValue

        return (kafka, order, logger)
    }

    private static func services(_ kafka: KafkaConfiguration, _ logger: Logger) throws -> [any Service] {
        let orders = try OrderService(database: "order.sqlite", kafka: kafka, logger: logger)
        let invoices = try InvoicingService(database: "invoicing.sqlite", kafka: kafka, logger: logger)

        return [orders.relay, invoices.invoicing]
    }
}

extension InvoicingService {
    /// How many invoices there are, whenever that changes.
    var count: AsyncValueObservation<Int> {
        ValueObservation.tracking { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM invoice") ?? 0 }
            .values(in: store.pool)
    }

    func cents(of order: String) async throws -> Int? {
        try await store.pool.read { db in
            try Int.fetchOne(db, sql: "SELECT cents FROM invoice WHERE id = ?", arguments: [order])
        }
    }
}

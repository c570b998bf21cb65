import GRDB
import KafkaClient
import Logging
import Processes
import Testing
import Tidings
import TidingsSQLite
import TidingsTesting

@Suite("Article: keeping history", .timeLimit(.minutes(1)))
struct KeepingHistory {
    private struct OrderPlaced: Event {
        static let eventType = "shop.order.placed"
        var orderId: String
        var totalCents: Int
        var key: String { orderId }
    }

    private let topic = Topic<CustomerChanged>("customer")
    private let orders = Topic<OrderPlaced>("order")

    @Test("the newest of each key and a sum over everything come out as they should, in memory and in a database")
    func folds() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tutorial")
        try await withBroker { broker in
            let (kafka, logger) = (KafkaConfiguration(broker.bootstrap), quiet)
            let admin = try Admin(kafka, logger: logger)
            try await admin.create(topic, partitions: 3, configuration: ["cleanup.policy": "compact"])
            try await admin.create(orders, partitions: 3)
            let store = try SQLiteStore(path: "\(folder)/service.sqlite")
            let producer = try Producer(.init(kafka), logger: logger)
            let publisher = Publisher(store: store, producer: producer, source: "/shop/order")
            for city in ["London", "Paris"] {
                let ada = Customer(id: "ada", name: "Ada", city: city)
                try await publisher.publish(CustomerChanged(customer: ada), to: topic, sending: .afterAction) { _ in }
                try await publisher.publish(
                    OrderPlaced(orderId: city, totalCents: 700), to: orders, sending: .afterAction
                ) { _ in }
            }
            try await publisher.publishDeletion(of: "bob", in: topic, sending: .afterAction) { _ in }

            let customers = View(
                "customers", of: ["customer"], initial: [String: Customer](), kafka: kafka, logger: logger)
            customers.fold(CustomerChanged.self) { customers, event, _ in
                customers[event.customer.id] = event.customer
            }
            customers.foldDeletion { customers, delivery in customers[delivery.keyText ?? ""] = nil }
            let revenue = View("revenue", of: ["order"], initial: 0, kafka: kafka, logger: logger)
            revenue.fold(OrderPlaced.self) { cents, event, _ in cents += event.totalCents }
            let directory = StoredView(
                "directory", version: 2, rebuilding: .beside, of: ["customer"], store: store, kafka: kafka,
                logger: logger
            ) { db in
                try db.execute(sql: "DROP TABLE IF EXISTS customer_2")
                try db.execute(sql: "CREATE TABLE customer_2 (id TEXT PRIMARY KEY, city TEXT NOT NULL)")
            }
            directory.fold(CustomerChanged.self) { db, event, _ in
                let row: StatementArguments = [event.customer.id, event.customer.city]
                try db.execute(sql: "INSERT OR REPLACE INTO customer_2 VALUES (?, ?)", arguments: row)
            }
            try await running([customers, revenue, directory]) {
                let newest = try await customers.readWhenReady { $0 }
                #expect(newest == ["ada": Customer(id: "ada", name: "Ada", city: "Paris")])
                let sum = try await revenue.readWhenReady { $0 }
                #expect(sum == 1400)
                try await directory.ready()
                let city = try await directory.read { db, version in
                    try String.fetchOne(db, sql: "SELECT city FROM customer_\(version) WHERE id = 'ada'")
                }
                #expect(city == "Paris")
            }
        }
        try TemporaryDirectory.remove(folder)
    }
}

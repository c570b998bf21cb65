import GRDB
import KafkaClient
import Processes
import Testing
import Tidings
import TidingsSQLite
import TidingsTesting

/// As a mailer reads it: only what it needs.
private struct OrderToThankFor: Event {
    static let eventType = "shop.order.placed"
    var order: String
    var key: String { order }
}

private struct Mailbox: Sendable {
    func address(of order: String) async throws -> String { "customer-\(order)@shop.example" }
}

@Suite("Tutorial: exactly one effect", .timeLimit(.minutes(1)))
struct OneEffect {
    @Test("an order is thanked for once, although its event is sent twice and the reader starts twice")
    func once() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tutorial")
        try await withBroker { broker in
            let (kafka, logger) = (KafkaConfiguration(broker.bootstrap), quiet)
            try await Admin(kafka, logger: logger).create(Topic<OrderPlaced>("order"), partitions: 5)
            let store = try SQLiteStore(path: "\(folder)/mail.sqlite")
            try await store.pool.write { db in
                try db.execute(sql: "CREATE TABLE mail (event TEXT PRIMARY KEY, address TEXT NOT NULL)")
            }
            let producer = try Producer(.init(kafka), logger: logger)
            let publisher = Publisher(store: store, producer: producer, source: "/shop/order")
            for _ in 1...2 {
                try await publisher.publish(
                    OrderPlaced(order: "1", cents: 4200), id: "order-1-placed", to: Topic("order"),
                    sending: .afterAction
                ) { _ in }
            }
            for expected in ["1", "2"] {
                let mails = Self.mails(store: store, kafka: kafka, folder: folder)
                try await running([mails]) {
                    if expected == "2" {
                        try await publisher.publish(
                            OrderPlaced(order: "2", cents: 1), id: "order-2-placed", to: Topic("order"),
                            sending: .afterAction
                        ) { _ in }
                    }
                    try await eventually("order \(expected) is thanked for") {
                        try await store.pool.read { db in
                            try String.fetchAll(db, sql: "SELECT event FROM mail").contains("order-\(expected)-placed")
                        }
                    }
                }
            }
            let count = try await store.pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM mail") }
            #expect(count == 2)
        }
        try TemporaryDirectory.remove(folder)
    }

    private static func mails(
        store: SQLiteStore, kafka: KafkaConfiguration, folder: String
    ) -> Subscription<SQLiteStore> {
        let logger = quiet
        let addresses = Mailbox()

        var configuration = SubscriptionConfiguration()
        configuration.instanceID = "mailer-1"
        configuration.maximumAttempts = 5
        let mails = Subscription(
            to: ["order"], group: "mailer", store: store, kafka: kafka, configuration: configuration, logger: logger)

        mails.handle(OrderToThankFor.self) { event, _ in
            try await addresses.address(of: event.order)
        } _: { event, address, delivery, db in
            try db.execute(
                sql: "INSERT INTO mail VALUES (?, ?) ON CONFLICT DO NOTHING",
                arguments: [delivery.eventID?.rawValue, address])
        }
        return mails
    }
}

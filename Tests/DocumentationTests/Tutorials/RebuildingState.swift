import KafkaClient
import Logging
import Testing
import Tidings
import TidingsSQLite
import TidingsTesting

struct Customer: Codable, Sendable, Equatable {
    var id: String, name: String, city: String
}

struct CustomerChanged: Event {
    static let eventType = "shop.customer.changed"
    var customer: Customer
    var key: String { customer.id }
}

@Suite("Tutorial: rebuilding state", .timeLimit(.minutes(1)))
struct RebuildingState {
    private let customers = Topic<CustomerChanged>("customer")

    @Test("a view holds the newest of each key, includes what one has sent, and starts again from its snapshot")
    func view() async throws {
        let folder = try TemporaryDirectory.make(prefix: "tutorial")
        try await withBroker { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            let (logger, customers) = (quiet, customers)
            let admin = try Admin(kafka, logger: logger)
            try await admin.create(customers, partitions: 3, configuration: ["cleanup.policy": "compact"])

            let store = try SQLiteStore(path: "\(folder)/order.sqlite")
            let producer = try Producer(.init(kafka), logger: logger)
            let publisher = Publisher(store: store, producer: producer, source: "/shop/order")
            let ada = Customer(id: "ada", name: "Ada", city: "London")
            try await publisher.publish(CustomerChanged(customer: ada), to: customers, sending: .afterAction) { _ in }
            try await publisher.publishDeletion(of: "bob", in: customers, sending: .afterAction) { _ in }

            for _ in 1...2 {
                let directory = Self.directory(kafka: kafka, folder: folder, logger: logger)
                try await running([directory]) {
                    let found = try await directory.readWhenReady { $0["ada"] }
                    #expect(found == ada)

                    let moved = Customer(id: "eve", name: "Eve", city: "Paris")
                    let record = try EventRecord(CustomerChanged(customer: moved), to: customers)
                    let outcome = try await producer.send([record])
                    guard case .sent(let partition, let offset) = outcome[0] else { return #expect(Bool(false)) }
                    let place = RecordPlace(topic: "customer", partition: partition, offset: offset)
                    let city = try await directory.read(including: place) { $0["eve"]?.city }
                    #expect(city == "Paris")
                }
            }
        }
        try TemporaryDirectory.remove(folder)
    }

    private static func directory(
        kafka: KafkaConfiguration, folder: String, logger: Logger
    ) -> View<[String: Customer]> {
        let directory = View(
            "directory", of: ["customer"], initial: [String: Customer](), kafka: kafka,
            snapshots: .json(in: .file("\(folder)/directory.view"), version: 1), logger: logger)
        directory.fold(CustomerChanged.self) { customers, event, _ in
            customers[event.customer.id] = event.customer
        }
        directory.foldDeletion { customers, delivery in
            customers[delivery.keyText ?? ""] = nil
        }
        return directory
    }
}

extension EventRecord {
    fileprivate init(_ event: CustomerChanged, to topic: Topic<CustomerChanged>) throws {
        try self.init(event, id: EventID(), topic: topic, source: "/shop/order")
    }
}

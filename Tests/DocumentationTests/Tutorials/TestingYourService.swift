import GRDB
import KafkaClient
import Processes
import Testing
import Tidings
import TidingsAudit
import TidingsSQLite
import TidingsTesting

@Suite("Tutorial: testing with the embedded broker", .timeLimit(.minutes(1)))
struct TestingYourService {
    @Test func everyOrderGetsOneInvoice() async throws {
        try await withBroker(properties: ["num.partitions": "3"]) { broker in
            let kafka = KafkaConfiguration(broker.bootstrap)
            let folder = try TemporaryDirectory.make(prefix: "shop")
            let orders = try OrderService(database: "\(folder)/order.sqlite", kafka: kafka, logger: quiet)
            let invoices = try InvoicingService(database: "\(folder)/invoicing.sqlite", kafka: kafka, logger: quiet)
            try await running([orders.relay, invoices.invoicing]) {
                try await orders.place(OrderPlaced(order: "1", cents: 4200))
                try await broker.stop()
                try await orders.place(OrderPlaced(order: "2", cents: 100))
                try await broker.start()
                for try await count in invoices.count where count == 2 { break }
            }
            try TemporaryDirectory.remove(folder)
        }
    }

    @Test("an order that is placed while the gate is closed leaves when it is opened")
    func gate() async throws {
        let folder = try TemporaryDirectory.make(prefix: "shop")
        try await withBroker { broker in
            let logger = quiet
            var kafka = KafkaConfiguration(broker.bootstrap)

            let gate = NetworkGate()
            kafka.gate = gate
            let orders = try OrderService(database: "\(folder)/order.sqlite", kafka: kafka, logger: logger)
            gate.close()
            try await orders.place(OrderPlaced(order: "1", cents: 4200))
            gate.open()

            try await running([orders.relay]) {
                gate.close()
                try await orders.place(OrderPlaced(order: "2", cents: 100))
                let waiting = try await orders.store.transaction { try orders.store.outboxStatus(in: $0).pending }
                #expect(waiting > 0)
                gate.open()
                try await eventually("the event has left") {
                    try await orders.store.transaction { try orders.store.outboxStatus(in: $0).pending } == 0
                }
            }
        }
        try TemporaryDirectory.remove(folder)
    }

    @Test("a relay names its steps to whoever listens")
    func steps() async throws {
        let folder = try TemporaryDirectory.make(prefix: "shop")
        try await withBroker { broker in
            let (kafka, logger) = (KafkaConfiguration(broker.bootstrap), quiet)
            let orders = try OrderService(database: "\(folder)/order.sqlite", kafka: kafka, logger: logger)
            try await orders.place(OrderPlaced(order: "1", cents: 4200))

            let steps = StepRecorder()
            let producer = try Producer(.relay(kafka), logger: logger)
            let relay = OutboxRelay(store: orders.store, producer: producer, probe: steps, logger: logger)

            try await running([relay]) {
                try await eventually("the batch is marked") { steps.steps.map(\.point).contains(.relayMarked) }
            }
            #expect(steps.steps.map(\.point).first == .relayClaimed)
        }
        try TemporaryDirectory.remove(folder)
    }
}

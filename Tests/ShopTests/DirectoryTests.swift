import ArgumentParser
import Foundation
import Logging
import Processes
import Testing
import Tidings

@testable import Shop

@Suite("The directory of customers", .serialized, .timeLimit(.minutes(2)))
struct DirectoryTests {
    private func customers(at port: Int) async throws -> [CustomerEntry] {
        try await HTTP.ask("GET", port, "/customers").decoded([CustomerEntry].self)
    }

    @Test(
        "a new address and a customer who leaves reach shipping and invoicing, and documents keep what was true",
        arguments: TestDatabase.allCases)
    func endToEnd(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let supervisor = try await shop.open()
            let ports = shop.ports
            try await shop.place("kept")
            _ = try await shop.settledEffects()
            let address = Address(street: "Navy Yard 3", zip: "22202", city: "Arlington")
            #expect(try await HTTP.ask("PUT", ports.orders, "/customers/1/address", json: address).status == 204)
            #expect(try await HTTP.ask("DELETE", ports.orders, "/customers/3").status == 204)
            let owners = try await customers(at: ports.orders)
            #expect(owners.map(\.id) == [1, 2, 4, 5] && owners[0].address == address)
            for port in [ports.shipments, ports.invoices] {
                try await eventually("the same directory at \(port)", passing: isAway) {
                    try await customers(at: port) == owners
                }
            }
            // Without a table: a page that is started anew reads the topic.
            try await shop.kill("shipping-page", 1)
            try await eventually("the directory read anew", passing: isAway) {
                try await customers(at: ports.shipments) == owners
            }
            let page = try await HTTP.ask("GET", ports.shipments, "/customers", headers: ["Accept": "text/html"]).text
            // Five customers, a new address and a tombstone; compaction may have been here.
            let said = try #require(page.firstMatch(of: /(\d+) records of the topic read/))
            #expect((5...7).contains(Int(said.1) ?? 0))
            let shipment = try await HTTP.ask("GET", ports.shipments, "/shipments/kept").decoded(Shipment.self)
            #expect(shipment.customerId == 1 && shipment.address != address)
            #expect(try await HTTP.ask("DELETE", ports.orders, "/customers/3").status == 404)
            #expect(try await HTTP.ask("PUT", ports.orders, "/customers/99/address", json: address).status == 404)
            try await formsSayWhatWasDone(ports)
            let nowhere = Address(street: " ", zip: "", city: "")
            let refused = try await HTTP.ask("PUT", ports.orders, "/customers/1/address", json: nowhere)
            #expect(refused.status == 422)
            supervisor.signal(SIGTERM)
            #expect(try await supervisor.waitForExit() == 0)
        }
    }

    @Test("who has left meanwhile does not come back, and the last customer stays", arguments: TestDatabase.allCases)
    func overtaken(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let options = try ShopOptions.parse(shop.options)
            let orders = try await OrderDatabase(options, logger: Logger(label: "test"))
            func service(_ first: @escaping @Sendable (any SQL) throws -> Void) -> OrderService {
                OrderService(
                    database: orders, publisher: SilentPublisher(store: orders.store, first: first), topic: "order",
                    customerTopic: "customer")
            }
            let leaving: @Sendable (any SQL) throws -> Void = { try OrderDatabase.remove(5, at: "now", $0) }
            let address = Address(street: "A", zip: "1", city: "B")
            await #expect(throws: Refusal.self) { try await service(leaving).move(5, to: address) }
            #expect(try await orders.directory().map(\.id) == [1, 2, 3, 4])
            let othersLeaving: @Sendable (any SQL) throws -> Void = { sql in
                for id in 2...4 { try OrderDatabase.remove(id, at: "now", sql) }
            }
            await #expect(throws: Refusal.self) { try await service(othersLeaving).remove(1) }
            #expect(try await orders.directory().map(\.id) == [1])
        }
    }

    @Test("of customers who are removed all at once one stays", arguments: TestDatabase.allCases)
    func allAtOnce(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let options = try ShopOptions.parse(shop.options)
            let orders = try await OrderDatabase(options, logger: Logger(label: "test"))
            let service = OrderService(
                database: orders, publisher: SilentPublisher(store: orders.store), topic: "order",
                customerTopic: "customer")
            for _ in 0..<20 {
                await withTaskGroup(of: Void.self) { removals in
                    for id in 1...5 { removals.addTask { _ = try? await service.remove(id) } }
                }
                #expect(try await orders.directory().count == 1)
                _ = try await orders.store.write { try $0.run("DELETE FROM customer_left") }
            }
        }
    }

    private func formsSayWhatWasDone(_ ports: Ports) async throws {
        let form = ["Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"]
        func send(_ path: String, _ body: String) async throws -> String {
            try await HTTP.ask("POST", ports.orders, path, body: Data(body.utf8), headers: form).text
        }
        let moved = try await send("/customers/2/address", "street=A&zip=1&city=B")
        #expect(moved.contains("Grace Hopper is at A, 1 B now. A record with the number 2"))
        let removed = try await send("/customers/4/delete", "")
        #expect(removed.contains("Barbara Liskov is removed. A tombstone"))
        #expect(removed.contains("http://127.0.0.1:\(ports.shipments)/customers"))
        // Nobody is told of what was not done.
        let page = try await HTTP.ask("GET", ports.orders, "/customers?did=99", headers: form).text
        #expect(!page.contains("id=\"did\""))
    }
}

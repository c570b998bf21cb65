import Foundation
import Processes
import Testing

@Suite("The shop, as its users drive it", .serialized)
struct ShopTests {
    struct Mention: Decodable, Hashable { var orderId: String }
    struct Placed: Decodable { var id: String }
    struct Refused: Decodable { var error: String }

    @Test(
        "orders through the form, with instances killed in between and all restarted, make one invoice and shipment each"
    )
    func oneInvoicePerOrder() async throws {
        try await withShop { shop, folder in
            var orders = try await placeThroughForm(2, shop)
            try await kill("invoicing", instance: 0, of: shop)
            orders += try await placeThroughForm(2, shop)
            try await kill("shipping", instance: 0, of: shop)
            try await kill("invoicing", instance: 1, of: shop)
            orders += try await placeThroughForm(2, shop)
            try await kill("broker", instance: 0, of: shop)
            try await kill("order", instance: 0, of: shop)
            try await eventually("orders are taken again") {
                (try? await shop.request("GET", 1, "/health").0) == 200
            }
            orders += try await placeThroughForm(1, shop)
            #expect(Set(orders).count == 7)
            try await expectOneEach(orders, shop)

            try await shop.stop()
            let again = try await ShopProcess(dataDirectory: folder, port: shop.port)
            orders += try await placeThroughForm(1, again)
            try await expectOneEach(orders, again)
            try await again.stop()
        }
    }

    @Test("an order that cannot be is refused with a reason, and what was typed is kept")
    func refusals() async throws {
        try await withShop { shop, _ in
            let page = try person(["refuse", "--orders", shop.url(1)])
            #expect(try await page.waitForExit() == 0, "\(page.errors)")
            #expect(page.lines.count > 2, "the page names what is wrong: \(page.lines)")
            #expect(page.lines.last == "kept: Kept City")

            for (body, reason) in Self.impossibleOrders {
                let (status, data) = try await shop.request("POST", 1, "/orders", body: Data(body.utf8))
                #expect((400..<500).contains(status), "\(body): \(status)")
                let refused = try JSONDecoder().decode(Refused.self, from: data)
                #expect(refused.error.localizedCaseInsensitiveContains(reason), "\(body): \(refused.error)")
            }
            #expect(try await shop.get([Placed].self, 1, "/orders").isEmpty)

            let (status, data) = try await shop.request("POST", 1, "/orders", body: Data(Self.order().utf8))
            #expect(status == 201)
            try await expectOneEach([JSONDecoder().decode(Placed.self, from: data).id], shop)
            try await shop.stop()
        }
    }

    @Test("every page works without JavaScript, narrow and wide, light and dark", .timeLimit(.minutes(3)))
    func pages() async throws {
        try await withShop { shop, folder in
            let orders = try await placeThroughForm(1, shop)
            try await expectOneEach(orders, shop)
            let paths = [
                shop.url(0), shop.url(1, "/orders"), shop.url(1, "/orders/new"), shop.url(1, "/orders/\(orders[0])"),
                shop.url(2, "/shipments"), shop.url(3, "/invoices"),
            ]
            let visitor = try person(["look", "--into", folder, "--pages"] + paths)
            #expect(try await visitor.waitForExit(within: .seconds(150)) == 0, "\(visitor.errors)")
            #expect(visitor.lines.isEmpty, "\(visitor.lines.joined(separator: "\n"))")
            try await shop.stop()
        }
    }

    @Test("a supervisor that is killed takes every process down with it")
    func supervisorKilled() async throws {
        try await withShop { shop, _ in
            let processes = try await shop.processes()
            #expect(Set(processes.map(\.role)).isSuperset(of: ["broker", "order", "shipping", "invoicing"]))
            #expect(processes.filter { $0.role == "invoicing" }.count == 2)
            try await shop.supervisor.killAndWait()
            try await eventually("all processes are gone", within: .seconds(10)) {
                processes.allSatisfy { Foundation.kill($0.pid, 0) != 0 }
            }
        }
    }

    static let impossibleOrders = [
        (order(lines: "[]"), "line"), (order(lines: #"[{"itemId":1,"count":0}]"#), "count"),
        (order(lines: #"[{"itemId":999,"count":1}]"#), "item"), (order(customer: 999), "customer"),
        ("{", "JSON"), (#"{"customerId":1}"#, "lines"),
    ]

    static func order(customer: Int = 1, lines: String = #"[{"itemId":1,"count":2},{"itemId":2,"count":1}]"#) -> String
    {
        let address = #"{"street":"Hauptstraße 1","zip":"10115","city":"Berlin"}"#
        return
            #"{"customerId":\#(customer),"lines":\#(lines),"shippingAddress":\#(address),"billingAddress":\#(address)}"#
    }

    private func withShop(_ body: (ShopProcess, String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let shop = try await ShopProcess(dataDirectory: folder, port: try freePorts(12))
            do {
                try await body(shop, folder)
            } catch {
                shop.supervisor.signal(SIGKILL)
                throw error
            }
        }
    }

    private func person(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            Programs.python, [Programs.checkout + "/Tests/IntegrationTests/Browser/person.py"] + arguments)
    }

    private func placeThroughForm(_ count: Int, _ shop: ShopProcess) async throws -> [String] {
        let visitor = try person(["place", "--orders", shop.url(1), "--count", "\(count)"])
        #expect(try await visitor.waitForExit(within: .seconds(120)) == 0, "\(visitor.errors)")
        #expect(visitor.lines.count == count)
        return visitor.lines
    }

    /// SIGKILLs a process of the shop, and waits until another one has taken its place.
    private func kill(_ role: String, instance: Int, of shop: ShopProcess) async throws {
        let members = try await shop.processes().filter { $0.role == role }
        let victim = try #require(members.indices.contains(instance) ? members[instance] : nil)
        #expect(Foundation.kill(victim.pid, SIGKILL) == 0)
        try await eventually("\(role) is back") {
            let now = try await shop.processes().filter { $0.role == role }
            return now.count == members.count && !now.contains { $0.pid == victim.pid }
        }
    }

    /// Waits until each order has its invoice and its shipment, and checks that none has two.
    private func expectOneEach(_ orders: [String], _ shop: ShopProcess) async throws {
        for (offset, path) in [(2, "/shipments"), (3, "/invoices")] {
            try await eventually("\(path) for \(orders.count) orders") {
                let found = try await shop.get([Mention].self, offset, path + "?limit=1000").map(\.orderId)
                return Set(orders).isSubset(of: found)
            }
            let found = try await shop.get([Mention].self, offset, path + "?limit=1000").map(\.orderId)
            #expect(found.count == Set(found).count, "\(path) has an order twice")
            #expect(Set(found) == Set(orders), "\(path) has an order nobody placed")
        }
    }
}

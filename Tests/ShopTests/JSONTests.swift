import Foundation
import Processes
import Testing

@testable import Shop

@Suite("The shop as programs see it", .timeLimit(.minutes(2)))
struct JSONTests {
    @Test(
        "orders are refused with reasons, invoices keep their prices, and deleting cancels",
        arguments: TestDatabase.allCases)
    func contract(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let orders = shop.ports.orders
            var refused = TestShop.wish("refused")
            refused.lines = [.init(itemId: 99, count: 1), .init(itemId: 1, count: 0)]
            let answer = try await HTTP.ask("POST", orders, "/orders", json: refused)
            #expect(answer.status == 422)
            let reason = try answer.decoded(ErrorBody.self).error
            #expect(reason.contains("there is no item 99") && reason.contains("at least 1"))

            let accepted = try await HTTP.ask("POST", orders, "/orders", json: TestShop.wish("kept", count: 2))
            #expect(accepted.status == 201)
            let total = try accepted.decoded(Order.self).totalCents
            struct Price: Encodable {
                let priceCents: Int
            }
            #expect(try await HTTP.ask("PUT", orders, "/items/1/price", json: Price(priceCents: 1)).status == 204)
            let invoice = try await eventually("invoice", passing: isAway) {
                let answer = try await HTTP.ask("GET", shop.ports.invoices, "/invoices/kept")
                return answer.status == 200 ? try answer.decoded(Invoice.self) : nil
            }
            #expect(invoice.totalCents == total && invoice.cancelledAt == nil)
            let byNumber = try await HTTP.ask("GET", shop.ports.invoices, "/invoices/\(invoice.number)")
            #expect(try byNumber.decoded(Invoice.self).orderId == "kept")
            let missing = try await HTTP.ask("GET", shop.ports.invoices, "/invoices/987654321")
            #expect(
                missing.status == 404 && missing.text.contains("no invoice 987654321, and none for order 987654321"))

            #expect(try await HTTP.ask("DELETE", orders, "/orders/kept").status == 204)
            #expect(try await HTTP.ask("GET", orders, "/orders/kept").status == 404)
            try await eventually("cancelled invoice", passing: isAway) {
                try await HTTP.ask("GET", shop.ports.invoices, "/invoices/kept")
                    .decoded(Invoice.self).cancelledAt != nil
            }
            // Shipping may be a moment behind invoicing.
            try await eventually("shipment", passing: isAway) { try await !shop.effects().shipments.isEmpty }
            #expect(try await shop.effects() == .init(orders: [], shipments: ["kept"], invoices: ["kept"]))
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("only who asks for this machine by its own name is answered")
    func otherHosts() async throws {
        #expect(["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"].allSatisfy(LocalHost.isLocal))
        let others = ["", "evil.example", "localhost.evil.example", "127.0.0.1:x", "::1"]
        #expect(!others.contains(where: LocalHost.isLocal))
        try await withTestShop { shop in
            let running = try await shop.open()
            for method in ["GET", "POST"] {
                let answer = try await HTTP.ask(
                    method, shop.ports.orders, "/orders", body: nil, headers: ["Host": "evil.example"])
                #expect(answer.status == 421)
            }
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("markup in what people type stays text on every page that shows it")
    func markup() async throws {
        try await withTestShop { shop in
            let running = try await shop.open()
            let markup = "<script>alert(1)</script>\"'&"
            var wish = TestShop.wish("markup")
            wish.shippingAddress.street = markup
            wish.billingAddress.city = markup
            #expect(try await HTTP.ask("POST", shop.ports.orders, "/orders", json: wish).status == 201)
            #expect(
                try await HTTP.ask("PUT", shop.ports.orders, "/customers/1/address", json: wish.shippingAddress).status
                    == 204)
            _ = try await shop.settledEffects()
            let pages = [
                (shop.ports.orders, "/orders/markup"), (shop.ports.orders, "/customers"),
                (shop.ports.shipments, "/shipments/markup"), (shop.ports.shipments, "/shipments"),
                (shop.ports.invoices, "/invoices/markup"),
            ]
            for (port, path) in pages {
                let html = try await HTTP.ask("GET", port, path, headers: ["Accept": "text/html"]).text
                #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"), "\(path)")
                #expect(!html.contains("<script>"), "\(path)")
            }
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }
}

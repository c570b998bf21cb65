import Foundation
import Processes
import Testing

@testable import Shop

@Suite("The shop as people see it", .serialized, .timeLimit(.minutes(3)))
struct BrowserTests {
    @Test(
        "orders through the form, with an instance killed in between, each get one shipment and one invoice",
        arguments: TestDatabase.allCases)
    func orders(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            var placed: [String] = []
            let victims = [("invoicing", 1), ("shipping", 1), ("order", 1), ("invoicing", 2)] + TestShop.brokers
            for (role, instance) in victims {
                placed.append(try await place(browser, shop))
                try await shop.kill(role, instance)
                placed.append(try await place(browser, shop))
            }
            let effects = try await shop.settledEffects()
            #expect(effects == .init(orders: placed.sorted(), shipments: placed.sorted(), invoices: placed.sorted()))

            try await browser.go(to: "http://127.0.0.1:\(shop.ports.invoices)/invoices/\(placed[0])")
            #expect(try await browser.text(of: "tfoot td") == "€ 93.90")
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.orders)/orders/\(placed[0])")
            try await browser.click("form.danger button")
            let deleted = placed[0]
            try await eventually("what was done", passing: isAway) {
                try await browser.text(of: "#did").contains(
                    "Order \(deleted) is deleted. Its cancellation, an event of its own, was written with it")
            }
            try await browser.click("#did a")
            try await eventually("the shipment, stopped", passing: isAway) {
                try await browser.go(to: "http://127.0.0.1:\(shop.ports.shipments)/shipments/\(deleted)")
                return try await browser.text(of: ".notice.broken").contains("the order was deleted")
            }
            try await rebuildLive(browser, shop, orders: placed.count)
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    /// Has history read anew on the statistics' page, which then shows the next order by itself.
    private func rebuildLive(_ browser: Browser, _ shop: TestShop, orders: Int) async throws {
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.statistics)/statistics")
        try await browser.click("form.actions button")
        try await eventually("what was told", passing: isAway) {
            try await browser.text(of: ".notice[role=status]").contains("told to read history anew")
        }
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.statistics)/statistics")
        try await shop.place("LIVE-TEST")
        try await eventually("the order on the page", passing: isAway) {
            try await browser.text(of: "#statistics-sums dd").hasPrefix("\(orders + 1)")
        }
        #expect(try await browser.text(of: "#live") == "This page keeps itself up to date.")
    }

    @Test(
        "a form with a mistake says what it is, keeps what was typed, and nothing is ordered",
        arguments: TestDatabase.bothWhenProving)
    func mistake(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            try await fill(browser, shop, count: "0")
            try await browser.click("main form .actions button:first-child")
            let said = try await eventually("alert", passing: isAway) { try await browser.text(of: "[role=alert]") }
            #expect(said.contains("must be at least 1, but is 0"))
            try await browser.keepPicture(as: "order-form-mistaken")
            #expect(try await shop.effects().orders.isEmpty)
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    /// Fills the form in and sends it, again if the service was away, and returns the order's number, which is made
    /// with the form.
    private func place(_ browser: Browser, _ shop: TestShop) async throws -> String {
        try await eventually("order", passing: { isAway($0) || $0 is ChildProcess.Failure }) {
            try await fill(browser, shop, count: "2")
            let id = try await browser.value(of: "[name=id]")
            try await browser.click("main form .actions button:first-child")
            return try await eventually("page of order \(id)", within: .seconds(5), passing: isAway) {
                try await browser.text(of: "h1 .id") == id ? id : nil
            }
        }
    }

    private func fill(_ browser: Browser, _ shop: TestShop, count: String) async throws {
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.orders)/orders/new")
        try await browser.type("Ada", into: "#customer")
        try await browser.type("Fountain", into: "#item-1")
        try await browser.type(count, into: "#count-1")
        try await browser.type("Notebook", into: "#item-2")
        try await browser.type("1", into: "#count-2")
        try await browser.type("Main St 1", into: "#shipping-street")
        try await browser.type("10115", into: "#shipping-zip")
        try await browser.type("Berlin", into: "#shipping-city")
    }
}

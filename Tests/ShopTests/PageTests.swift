import Foundation
import Processes
import Testing
import Tidings

@testable import Shop

@Suite("The shop's pages", .serialized, .timeLimit(.minutes(3)))
struct PageTests {
    private struct Page {
        let name: String
        let port: Int
        let path: String

        init(_ name: String, _ port: Int, _ path: String) { (self.name, self.port, self.path) = (name, port, path) }

        var url: String { "http://127.0.0.1:\(port)\(path)" }
    }

    private func pages(_ ports: Ports, order: String) -> [Page] {
        [
            Page("overview", ports.start, "/"), Page("history", ports.start, "/history/\(order)"),
            Page("orders", ports.orders, "/orders"), Page("order-form", ports.orders, "/orders/new"),
            Page("order", ports.orders, "/orders/\(order)"), Page("no-order", ports.orders, "/orders/NOBODYS"),
            Page("error", ports.orders, "/nothing"), Page("items", ports.orders, "/items"),
            Page("customers", ports.orders, "/customers"), Page("shipments", ports.shipments, "/shipments"),
            Page("shipment", ports.shipments, "/shipments/\(order)"),
            Page("customers-of-shipping", ports.shipments, "/customers"), Page("invoices", ports.invoices, "/invoices"),
            Page("invoice", ports.invoices, "/invoices/\(order)"),
            Page("customers-of-invoicing", ports.invoices, "/customers"),
            Page("statistics", ports.statistics, "/statistics"),
        ] + (1...9).map { Page("tour-\($0)", ports.start, "/tour/\($0)") }
    }

    @Test(
        "no page needs JavaScript, scrolls sideways or stays empty, narrow or wide, light or dark",
        arguments: TestDatabase.bothWhenProving)
    func everyPage(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            try await shop.place("PAGE-TEST")
            _ = try await shop.settledEffects()
            try await eventually("the audit's look at it", passing: isAway) {
                try await HTTP.ask("GET", shop.ports.start, "/history/PAGE-TEST").status == 200
            }
            let reader = try await Browser.open(scripts: false)
            let viewer = try await Browser.open()
            for page in pages(shop.ports, order: "PAGE-TEST") {
                try await reader.go(to: page.url)
                #expect(try await !reader.text(of: "html[lang] main h1").isEmpty, "\(page.name) has no heading")
                for (width, dark) in [(390, false), (390, true), (1440, false), (1440, true)] {
                    let name = "\(page.name)-\(width)-\(dark ? "dark" : "light")"
                    try await reader.look(width: width, dark: dark)
                    let (content, window) = try await reader.widths()
                    #expect(content <= window, "\(name) scrolls sideways: \(content) > \(window)")
                    let picture = try await reader.picture()
                    try picture.save(as: name)
                    let sight = try await viewer.sight(of: picture)
                    #expect(sight.width == width && sight.colours > 20, "\(name): \(sight)")
                    #expect((sight.brightness < 0.5) == dark, "\(name): \(sight)")
                }
            }
            print("Pictures of all pages are in \(Picture.folder)")
            try await reader.close()
            try await viewer.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test(
        "without JavaScript, a page shows how things stand, and has a link that shows how they stand then",
        arguments: TestDatabase.bothWhenProving)
    func withoutScripts(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open(scripts: false)
            let start = "http://127.0.0.1:\(shop.ports.start)/"
            let statistics = "http://127.0.0.1:\(shop.ports.statistics)/statistics"
            for (orders, url) in [(1, start), (2, statistics), (3, start)] {
                @Sendable func text() async throws -> String {
                    try await browser.text(of: url == start ? "#audit .notice" : "#statistics-sums dd")
                }
                try await browser.go(to: url)
                let before = try await text()
                try await shop.place("UNSEEN-\(orders)")
                _ = try await shop.settledStatistics(orders: orders)
                #expect(try await text() == before)
                try await eventually("the order on \(url)", passing: isAway) {
                    try await browser.click("noscript a")
                    return try await text().hasPrefix(
                        url == start ? "✓ \(Readable.count(orders, "order"))" : "\(orders)")
                }
                #expect(try await browser.address == url)
            }
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("without a mouse, the way of sending is chosen and an order placed", arguments: TestDatabase.bothWhenProving)
    func withoutMouse(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/")
            try await browser.tab(to: "#sending :checked")
            try await browser.strike(.up)
            try await browser.tab(to: "#sending button")
            try await browser.strike(.enter)
            try await eventually("the way in use", passing: isAway) {
                try await browser.text(of: ".way:has([value=beforeAction]) em") == "in use"
            }
            #expect(try await shop.sending() == .beforeAction)
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/")
            try await browser.tab(to: "#do-order")
            try await browser.strike(.enter)
            try await eventually("what was done", passing: isAway) {
                try await browser.text(of: "#did").contains("is placed")
            }
            #expect(try await shop.settledEffects().orders.count == 1)
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }
}

import Foundation
import Processes
import Testing
import Tidings

@testable import Shop

@Suite("The buttons of the other pages", .serialized, .timeLimit(.minutes(3)))
struct PageButtonTests {
    @Test("each does what is written on it, and the page says what was done", arguments: TestDatabase.allCases)
    func everyButton(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            try await makeRoom(browser, shop)
            try await setPrice(browser, shop)
            try await moveAndRemove(browser, shop)
            try await chooseWay(browser, shop)
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    private func makeRoom(_ browser: Browser, _ shop: TestShop) async throws {
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.orders)/orders/new")
        try await browser.type("Fountain", into: "#item-1")
        try await browser.type("7", into: "#count-1")
        let (id, item) = (try await browser.value(of: "[name=id]"), try await browser.value(of: "#item-1"))
        try await browser.click("[name=more]")
        try await eventually("room for more items", passing: isAway) {
            try await browser.value(of: "#count-6").isEmpty
        }
        #expect(try await browser.value(of: "#item-1") == item && !item.isEmpty)
        #expect(try await browser.value(of: "#count-1") == "7")
        #expect(try await browser.value(of: "[name=id]") == id)
        #expect(try await shop.effects().orders.isEmpty)
    }

    /// A new price is for orders to come.
    private func setPrice(_ browser: Browser, _ shop: TestShop) async throws {
        func total(of order: String) async throws -> String {
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.orders)/orders/\(order)")
            return try await browser.text(of: "tfoot td")
        }
        func set(_ price: String) async throws {
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.orders)/items")
            try await browser.retype(price, into: "[action='/items/1/price'] input")
            try await browser.click("[action='/items/1/price'] button")
        }
        try await shop.place("CHEAP")
        let cheap = try await total(of: "CHEAP")
        try await set("1234.50")
        try await eventually("the new price", passing: isAway) {
            try await browser.text(of: "tr:has([action='/items/1/price']) td") == "€ 1,234.50"
        }
        try await set("a lot")
        try await eventually("what is wrong with the price", passing: isAway) {
            try await browser.text(of: "[role=alert]").contains("A price is an amount such as 12.50")
        }
        #expect(try await browser.value(of: "[action='/items/1/price'] input") == "a lot")
        try await keepPictures(browser, "items-refused")
        try await shop.place("DEAR")
        #expect(try await total(of: "CHEAP") == cheap)
        #expect(try await total(of: "DEAR").hasPrefix("€ 1,2"))
    }

    /// Wide and narrow.
    private func keepPictures(_ browser: Browser, _ name: String) async throws {
        for width in [390, 1440] {
            try await browser.look(width: width, dark: false)
            let (content, window) = try await browser.widths()
            #expect(content <= window, "\(name) scrolls sideways")
            try await browser.keepPicture(as: "\(name)-\(width)")
        }
    }

    private func moveAndRemove(_ browser: Browser, _ shop: TestShop) async throws {
        func press(_ form: String) async throws {
            try await browser.click("[action='\(form)'] button")
        }
        func isSaid(_ words: String) async throws {
            try await eventually("“\(words)” on the page", passing: isAway) {
                try await browser.text(of: "#did").contains(words)
            }
        }
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.orders)/customers")
        try await browser.click("tr:has(#street-2) summary")
        for (field, text) in [("street", "Nowhere 1"), ("zip", " "), ("city", "Arlington")] {
            try await browser.retype(text, into: "#\(field)-2")
        }
        try await press("/customers/2/address")
        try await eventually("what is wrong with the address", passing: isAway) {
            try await browser.text(of: "tr:has(#street-2) [role=alert]").contains("needs a postal code")
        }
        #expect(try await browser.value(of: "#street-2") == "Nowhere 1")
        try await keepPictures(browser, "customers-refused")
        for (field, text) in [("street", "Navy Yard 3"), ("zip", "22202"), ("city", "Arlington")] {
            try await browser.retype(text, into: "#\(field)-2")
        }
        try await press("/customers/2/address")
        try await isSaid("Grace Hopper is at Navy Yard 3, 22202 Arlington now")
        try await browser.click("tr:has(#street-3) summary")
        try await browser.keepPicture(as: "customers-changing")
        try await press("/customers/3/delete")
        try await isSaid("Edsger Dijkstra is removed. A tombstone")
        for port in [shop.ports.orders, shop.ports.shipments, shop.ports.invoices] {
            try await eventually("both changes at \(port)", passing: isAway) {
                let customers = try await HTTP.ask("GET", port, "/customers").decoded([CustomerEntry].self)
                return customers.map(\.id) == [1, 2, 4, 5] && customers[1].address?.city == "Arlington"
            }
        }
    }

    /// On the start page and in the tour.
    private func chooseWay(_ browser: Browser, _ shop: TestShop) async throws {
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/")
        try await browser.click("[name=sending][value=afterAction]")
        try await browser.click("#sending button")
        try await eventually("the way in use", passing: isAway) {
            try await browser.text(of: ".way:has([value=afterAction]) em") == "in use"
        }
        #expect(try await shop.sending() == .afterAction)
        try await shop.place("DIRECT")
        try await eventually("how it was sent", passing: isAway) {
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/history/DIRECT")
            return try await browser.text(of: "tbody").contains("sent directly")
        }
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/tour/8")
        #expect(try await browser.value(of: "#sending") == "afterAction")
        try await browser.type("through the outbox", into: "#sending")
        try await browser.click("[action='/sending'] button")
        try await eventually("the way in use", passing: isAway) {
            let shown = try await browser.value(of: "#sending")
            return try await shop.sending() == .outbox && shown == "outbox"
        }
        #expect(try await browser.address.contains("/tour/8"))
    }
}

extension TestShop {
    /// The way of sending that is in use, as the order service says.
    func sending() async throws -> Sending? {
        try await HTTP.ask("GET", ports.orders, "/status").decoded(OrderStatus.self).sending
    }
}

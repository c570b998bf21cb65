import ArgumentParser
import Foundation
import Logging
import Processes
import ServiceLifecycle
import Testing

@testable import Shop

@Suite("What is refused", .serialized, .timeLimit(.minutes(2)))
struct RefusalTests {
    private static let form = ["Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"]

    private func send(_ port: Int, _ path: String, _ body: String) async throws -> HTTP.Answer {
        try await HTTP.ask("POST", port, path, body: Data(body.utf8), headers: Self.form)
    }

    private func page(_ port: Int, _ path: String) async throws -> String {
        try await HTTP.ask("GET", port, path, headers: ["Accept": "text/html"]).text
    }

    @Test("is said on the page that the form was on, and what was typed stays")
    func typed() async throws {
        try await withTestShop { shop in
            let running = try await shop.open()
            let (orders, start) = (shop.ports.orders, shop.ports.start)

            let moved = try await send(orders, "/customers/2/address", "street=Navy+Yard+3&zip=22202&city=")
            #expect(moved.status == 422)
            let row = try #require(moved.text.firstMatch(of: /<tr>[^\n]*Grace(.|\n)*?<\/tr>/)).0
            #expect(row.contains("<details open>") && row.contains("value=\"Navy Yard 3\""))
            #expect(row.contains("The new address needs a city."))
            #expect(moved.text.components(separatedBy: "<details open>").count == 2)

            let priced = try await send(orders, "/items/2/price", "price=12.5.0")
            #expect(priced.status == 422 && priced.text.contains("value=\"12.5.0\""))
            #expect(priced.text.components(separatedBy: "A price is an amount").count == 2)
            _ = try await send(orders, "/items/2/price", "price=1%2C234.50")
            #expect(try await page(orders, "/items").contains("value=\"1234.50\""))

            let token = try #require(try await page(start, "/tour/9").firstMatch(of: /name="token" value="([^"]*)"/)).1
            let refused = try await send(start, "/do", "what=start-shipping&tour=9&token=\(token)").text
            #expect(refused.contains("<h1>9. ") && refused.contains("cannot be done as things stand"))

            let fields = "&customer=1&count=3&shipping-street=S&shipping-zip=Z&shipping-city=C&billing-is-shipping=yes"
            let stale = try await send(orders, "/orders", "id=STALE&item=2%401250" + fields)
            #expect(stale.text.contains("costs € 1,234.50 now, no longer € 12.50"))
            #expect(stale.text.contains("<option value=\"2@123450\" selected>") && stale.text.contains("value=\"S\""))
            #expect(try await shop.effects().orders.isEmpty)
            let placed = try await send(orders, "/orders", "id=STALE&item=2%40123450" + fields)
            #expect(placed.text.contains("The order is placed."))
            // What is placed at a price stays placed, whatever it costs when the same form comes again.
            _ = try await send(orders, "/items/2/price", "price=9")
            #expect(
                try await send(orders, "/orders", "id=STALE&item=2%40123450" + fields).text.contains(
                    "was there already"))
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("while Kafka is away the customers’ list says why nothing is changed, beside what was typed")
    func withoutKafka() async throws {
        try await withTestShop { shop in
            let order = try shop.start("order", ["--sending", "before"])
            _ = try await order.waitForLine(startingWith: "shop order ready")
            let moved = try await send(shop.ports.orders, "/customers/2/address", "street=A&zip=1&city=Arlington")
            #expect(moved.status == 503)
            // As the supervisor tells when somebody has stopped it on the start page.
            try ProcessList(in: try DataDirectory(shop.folder + "/shop")).write([
                ProcessEntry(role: "broker", instance: 1, restarts: 0, isReady: false, isStopped: true)
            ])
            let placed = try await HTTP.ask("POST", shop.ports.orders, "/orders", json: TestShop.wish("new"))
            #expect(placed.status == 503 && placed.text.contains("so nothing was written."))
            #expect(placed.text.contains("Somebody has stopped the broker; the start page can start it."))
            #expect(
                moved.text.contains("Kafka does not answer, so nothing was written.")
                    && moved.text.contains("value=\"Arlington\""))
            try await order.killAndWait()
        }
    }

    @Test("an order’s form keeps what was filled in when the database does not answer")
    func withoutDatabase() async throws {
        try await withTestShop { shop in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let database = try await OrderDatabase(ShopOptions.parse(shop.options), logger: logger)
            let service = OrderService(
                database: database, publisher: SilentPublisher(store: database.store), topic: "order",
                customerTopic: "customer")
            let site = try Site(.orders, ports: shop.ports)
            let server = try WebServer(site: site, logger: logger).application(
                port: shop.ports.orders, health: {}, onReady: {},
                routes: OrderPages(site: site, service: service).add)
            let services = ServiceGroup(services: [server], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                try await eventually("the form", passing: isAway) {
                    try await HTTP.ask("GET", shop.ports.orders, "/orders/new").status == 200
                }
                _ = try await database.store.write { try $0.run("DROP TABLE item") }
                for button in ["", "&more=yes"] {
                    let answer = try await send(
                        shop.ports.orders, "/orders", "id=KEPT&customer=3&item=2%401250&count=7" + button)
                    #expect(answer.status == 500)
                    let kept = ["value=\"KEPT\"", "value=\"3\" selected", "value=\"2@1250\" selected", "value=\"7\""]
                    for text in kept { #expect(answer.text.contains(text)) }
                }
                await services.triggerGracefulShutdown()
                while await tasks.nextResult() != nil {}
            }
        }
    }
}

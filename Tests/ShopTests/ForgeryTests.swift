import Foundation
import Processes
import Testing

@testable import Shop

@Suite("Forged requests", .serialized, .timeLimit(.minutes(2)))
struct ForgeryTests {
    /// An address that changes something, with a body that it takes.
    private struct Route {
        let port: Int
        let method: String
        let pattern: String
        var id = ""
        var body = ""

        var path: String { "/" + pattern.replacingOccurrences(of: ":id", with: id) }

        /// - Parameter token: that of the start page's forms.
        static func all(_ ports: Ports, token: String) throws -> [Route] {
            let address = #"{"street": "Forged 1", "zip": "666", "city": "Nowhere"}"#
            let wish = String(decoding: try JSONEncoder().encode(TestShop.wish("forged")), as: UTF8.self)
            func order(_ method: String, _ pattern: String, _ id: String = "", _ body: String = "") -> Route {
                Route(port: ports.orders, method: method, pattern: pattern, id: id, body: body)
            }
            return [
                Route(port: ports.start, method: "POST", pattern: "do", body: "what=order&token=\(token)"),
                Route(port: ports.start, method: "POST", pattern: "sending", body: "sending=outbox&token=\(token)"),
                Route(port: ports.statistics, method: "POST", pattern: "rebuild"),
                order("POST", "orders", "", wish), order("DELETE", "orders/:id", "kept-1"),
                order("POST", "orders/:id/delete", "kept-2"),
                order("POST", "items/:id/price", "1", #"{"priceCents": 1}"#),
                order("PUT", "items/:id/price", "2", #"{"priceCents": 1}"#),
                order("PUT", "sending", "", #"{"sending": "afterAction"}"#),
                order("POST", "customers/:id/address", "1", address),
                order("PUT", "customers/:id/address", "2", address), order("DELETE", "customers/:id", "3"),
                order("POST", "customers/:id/delete", "4"),
            ]
        }

        func ask(_ headers: [String: String] = [:]) async throws -> Int {
            try await HTTP.ask(method, port, path, body: Data(body.utf8), headers: headers).status
        }
    }

    private static let forgeries = [
        ["Origin": "http://evil.example"], ["Origin": "null"], ["Origin": "http://127.0.0.1:1"],
        ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"],
    ]

    @Test("what another site sends changes nothing at any address, nor what is sent to this machine by another name")
    func otherSites() async throws {
        try await withTestShop { shop in
            let running = try await shop.open()
            for order in ["kept-1", "kept-2"] { try await shop.place(order) }
            func state() async throws -> [String] {
                var texts = ["\(String(describing: try await shop.sending()))"]
                for path in ["/orders", "/items", "/customers"] {
                    texts.append(try await HTTP.ask("GET", shop.ports.orders, path).text)
                }
                return texts
            }
            let before = try await state()
            let routes = try Route.all(shop.ports, token: try await token(shop))
            let telling = [shop.ports.shipments, shop.ports.invoices].map {
                Route(port: $0, method: "POST", pattern: "customers")
            }
            for route in routes + telling {
                for headers in Self.forgeries {
                    #expect(try await route.ask(headers) == 403, "\(route.method) \(route.path) with \(headers)")
                }
                #expect(try await route.ask(["Host": "evil.example"]) == 421, "\(route.method) \(route.path)")
            }
            #expect(try await state() == before)
            // Sent from here, each of them does what it is for.
            for route in routes { #expect(try await route.ask() < 300, "\(route.method) \(route.path)") }
            for (now, then) in zip(try await state(), before) { #expect(now != then) }
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("are tried at every address that changes something")
    func everyRoute() throws {
        let sources = URL(fileURLWithPath: Programs.checkout + "/Examples/Shop")
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        let made = try (files?.allObjects ?? []).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
            .flatMap { file in
                try String(contentsOf: file, encoding: .utf8)
                    .matches(of: /router\.(post|put|patch|delete|on)\("([^"]*)"/)
                    .map { "\($0.1.uppercased()) \($0.2)" }
            }
        let tried = try Route.all(Ports(first: 1), token: "").map { "\($0.method) \($0.pattern)" }
        #expect(made.sorted() == tried.sorted())
    }

    @Test("a form without the start page's token does nothing")
    func withoutToken() async throws {
        try await withTestShop { shop in
            let running = try await shop.open()
            func send(_ body: String) async throws -> Int {
                try await Route(port: shop.ports.start, method: "POST", pattern: "do", body: body).ask()
            }
            let token = try await token(shop)
            #expect(try await send("what=order") == 403)
            #expect(try await send("what=order&token=guess") == 403)
            #expect(try await send("what=rm&token=\(token)") == 422)
            let form = ["Content-Type": "application/x-www-form-urlencoded"]
            let pigeon = try await HTTP.ask(
                "POST", shop.ports.start, "/sending", body: Data("sending=carrier-pigeon&token=\(token)".utf8),
                headers: form)
            #expect(pigeon.status == 422 && pigeon.text.contains("“carrier-pigeon” is no way of sending"))
            let long = String(repeating: "x", count: 3_000)
            let echo = try await HTTP.ask(
                "POST", shop.ports.start, "/do", body: Data("what=\(long)&token=\(token)".utf8), headers: form)
            #expect(echo.status == 422 && echo.text.contains("“\(long.prefix(60))…” is nothing"))
            #expect(try await shop.effects().orders.isEmpty)
            #expect(try await send("what=order&token=\(token)") == 200)
            #expect(try await shop.effects().orders.count == 1)
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    private func token(_ shop: TestShop) async throws -> String {
        let page = try await HTTP.ask("GET", shop.ports.start, "/", headers: ["Accept": "text/html"]).text
        return String(try #require(page.firstMatch(of: /name="token" value="([^"]*)"/)).1)
    }
}

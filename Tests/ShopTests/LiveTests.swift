import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Processes
import ServiceLifecycle
import Synchronization
import Testing
import Tidings

@testable import Shop

@Suite("Pages that keep themselves up to date", .serialized, .timeLimit(.minutes(2)))
struct LiveTests {
    @Test("leave the keyboard where it is, and what is marked marked", arguments: TestDatabase.bothWhenProving)
    func inUse(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            func shows(_ words: String, in selector: String) async throws {
                try await eventually("“\(words)” in \(selector)", passing: isAway) {
                    try await browser.text(of: selector).contains(words)
                }
            }
            try await shop.place("FIRST")
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/")
            try await shows("FIRST", in: "#journeys")
            try await browser.run("document.querySelector('#journey-FIRST').focus()")
            try await shop.place("SECOND")
            try await shows("SECOND", in: "#journeys")
            #expect(try await browser.run("document.activeElement.id") == "journey-FIRST")
            // Where it is does not go away, not even when others take its place.
            for number in 3...12 { try await shop.place("NEXT-\(number)") }
            try await shows("12", in: "#figures dd")
            try await shows("✓ 12 orders", in: "#audit")
            #expect(try await browser.run("document.activeElement.id") == "journey-FIRST")
            try await browser.run("document.activeElement.blur()")
            try await shows("NEXT-12", in: "#journeys")
            #expect(try await !browser.text(of: "#journeys").contains("FIRST"))

            try await browser.run("getSelection().selectAllChildren(document.querySelector('#journeys tbody'))")
            let marked = try await browser.run("getSelection()")
            try await shop.place("LAST")
            try await shows("13", in: "#figures dd")
            try await shows("✓ 13 orders", in: "#audit")
            #expect(try await browser.run("getSelection()") == marked)
            try await browser.run("getSelection().removeAllRanges()")
            try await shows("LAST", in: "#journeys")
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("tell how long the latest events took though nobody looked while they came")
    func unwatched() async throws {
        try await withTestShop { shop in
            let running = try await shop.open()
            // More than a page asks for at a time.
            let count = 900
            try await withThrowingTaskGroup(of: Void.self) { orders in
                for number in 0..<count {
                    if number >= 8 { try await orders.next() }
                    orders.addTask { try await shop.place("O-\(number)") }
                }
                try await orders.waitForAll()
            }
            _ = try await shop.settledStatistics(orders: count)
            try await eventually("all is measured", passing: isAway) {
                let html = try await HTTP.ask("GET", shop.port, "/", headers: ["Accept": "text/html"]).text
                let rows = html.matches(of: /<a class="id" id="journey-[^\n]*/).map { String($0.0) }
                return rows.count == StartView.shownJourneys && rows.allSatisfy { !$0.contains("–") }
            }
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("say how is sent when others change it, and keep what was chosen and not sent yet")
    func ways() async throws {
        try await withTestShop { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            func isInUse(_ way: String) async throws {
                try await eventually("\(way) in use", passing: isAway) {
                    try await browser.text(of: ".way:has([value=\(way)]) em") == "in use"
                }
            }
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/")
            try await isInUse("outbox")
            try await shop.choose("afterAction")
            try await isInUse("afterAction")
            try await browser.press("#way-beforeAction")
            try await shop.choose("outbox")
            try await isInUse("outbox")
            #expect(try await browser.value(of: "[name=sending]:checked") == "beforeAction")
            try await browser.click("#choose-way")
            try await isInUse("beforeAction")
            #expect(try await shop.sending() == .beforeAction)

            try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/tour/8")
            #expect(try await browser.value(of: "#sending") == "beforeAction")
            try await shop.choose("outbox")
            try await eventually("the way in use", passing: isAway) {
                try await browser.value(of: "#sending") == "outbox"
            }
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("try again after an answer that is no stream")
    func refusedStream() async throws {
        let port = try freePorts(6)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let refusals = Mutex(2)
        let site = try Site(.start, ports: Ports(first: port))
        let server = try WebServer(site: site, logger: logger).application(port: port, health: {}, onReady: {}) {
            router in
            router.get("page") { _, _ in
                Response(
                    status: .ok, headers: [.contentType: "text/html"],
                    body: .init(
                        byteBuffer: .init(
                            string: "<p id=\"live\"></p><script type=\"module\" src=\"/live.js\"></script>")))
            }
            router.get("live.js") { _, _ in Response.liveScript }
            router.get("live") { _, _ in
                let isRefused = refusals.withLock { left in
                    defer { left -= 1 }
                    return left > 0
                }
                if isRefused { throw Refusal(.serviceUnavailable, "Not now.") }
                return Response.live { _ in (LiveChange<Never>(parts: ["part": "…"]), 0) }
            }
        }
        let services = ServiceGroup(services: [server], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await services.run() }
            try await eventually("the page", passing: isAway) { try await HTTP.ask("GET", port, "/page").status == 200 }
            let browser = try await Browser.open()
            try await browser.go(to: "http://127.0.0.1:\(port)/page")
            for words in ["connection is lost", "keeps itself up to date"] {
                try await eventually("“\(words)” on the page", within: .seconds(20), passing: isAway) {
                    try await browser.text(of: "#live").contains(words)
                }
            }
            #expect(refusals.withLock { $0 } < 0)
            try await browser.close()
            await services.triggerGracefulShutdown()
            while await tasks.nextResult() != nil {}
        }
    }
}

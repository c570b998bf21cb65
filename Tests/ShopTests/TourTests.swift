import Foundation
import Processes
import Testing

@testable import Shop

@Suite("The tour", .serialized, .timeLimit(.minutes(2)))
struct TourTests {
    @Test("shows code that is in the program, line by line", arguments: 1...9)
    func code(number: Int) throws {
        let snippet = try #require(TourCode.all[number])
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let file = try String(contentsOf: root.appendingPathComponent(snippet.file), encoding: .utf8)
        func lines(_ text: String) -> String { text.split(separator: "\n").map(\.trimmed).joined(separator: "\n") }
        #expect(lines(file).contains(lines(snippet.text)), "page \(number) shows what is not in \(snippet.file)")
        #expect((5...20).contains(snippet.text.split(separator: "\n").count))
    }

    @Test(
        "a page tells how things stand while it is read, and offers what applies",
        arguments: TestDatabase.bothWhenProving)
    func live(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            func says(_ words: String) async throws {
                try await eventually("“\(words)” on the page", passing: isAway) {
                    try await browser.text(of: "#tour-costs").contains(words)
                }
            }
            try await browser.go(to: "http://127.0.0.1:\(shop.port)/tour/4")
            try await says("Invoicing 2 has run since")
            try await shop.kill("invoicing", 2)
            try await says("and was back after")
            try await browser.press("#do-add-invoicing")
            try await says("Invoicing 3")
            try await browser.press("#do-remove-invoicing")
            try await eventually("a page without invoicing 3", passing: isAway) {
                try await !browser.text(of: "#tour-costs").contains("Invoicing 3")
            }
            #expect(try await browser.text(of: "#do-add-invoicing") == "Start a third invoicing")
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test(
        "has nine pages, and sets the three ways of sending side by side", arguments: TestDatabase.allCases)
    func pages(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open(width: 390, scripts: false)
            for number in 1...9 {
                try await browser.go(to: "http://127.0.0.1:\(shop.port)/tour/\(number)")
                #expect(try await browser.text(of: "h1").hasPrefix("\(number). "))
                #expect(try await !browser.text(of: "pre code").isEmpty)
                let (content, window) = try await browser.widths()
                #expect(content <= window, "page \(number) scrolls sideways")
            }
            try await browser.go(to: "http://127.0.0.1:\(shop.port)/tour/8")
            try await browser.press("#do-compare")
            let rows = try await eventually("the three ways", passing: isAway) { try await browser.text(of: "tbody") }
            for way in ["after the action", "before the action", "through the outbox"] {
                #expect(rows.contains("Sent \(way)"))
            }
            #expect(rows.contains("50") && rows.contains("ms"))
            try await browser.keepPicture(as: "tour-8-measured")
            #expect(try await browser.address.contains("/tour/8"))
            #expect(try await shop.settledEffects().orders.count == 150)
            #expect(try await HTTP.ask("GET", shop.port, "/tour/10").status == 404)
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }
}

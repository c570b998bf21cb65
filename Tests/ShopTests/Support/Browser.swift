import Foundation
import NIOCore
import NIOHTTP1
import Processes

@testable import Shop

/// A headless Chromium, driven through its WebDriver as a person would use it.
struct Browser: Sendable {
    private let driver: ChildProcess
    private let port: Int
    private let session: String

    static let program = "/usr/bin/chromedriver"

    /// - Parameter scripts: whether pages may run JavaScript.
    static func open(width: Int = 1440, scripts: Bool = true) async throws -> Browser {
        let driver = try ChildProcess(program, ["--port=0"])
        let port = try await driver.waitFor("port") { lines in
            lines.lazy.compactMap { line -> Int? in
                guard line.contains("started successfully on port") else { return nil }
                return Int(line.split(separator: " ").last?.filter(\.isNumber) ?? "")
            }.first
        }
        let options: [String: Any] = [
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1440,1200",
            ],
            "prefs": ["profile.managed_default_content_settings.javascript": scripts ? 1 : 2],
        ]
        let capabilities: [String: Any] = ["alwaysMatch": ["goog:chromeOptions": options]]
        let answer = try await send("POST", port, "/session", ["capabilities": capabilities])
        guard let session = (answer as? [String: Any])?["sessionId"] as? String else {
            throw TestFailure("no session: \(String(describing: answer))")
        }
        let browser = Browser(driver: driver, port: port, session: session)
        try await browser.look(width: width, dark: false)
        return browser
    }

    func close() async throws {
        _ = try await Self.send("DELETE", port, "/session/\(session)", nil)
        driver.signal(SIGTERM)
        try await driver.waitForExit()
    }

    func go(to url: String) async throws {
        _ = try await command("POST", "url", ["url": url])
    }

    var address: String {
        get async throws { try await command("GET", "url", nil) as? String ?? "" }
    }

    func type(_ text: String, into selector: String) async throws {
        _ = try await command("POST", "element/\(find(selector))/value", ["text": text])
    }

    func click(_ selector: String) async throws {
        _ = try await command("POST", "element/\(find(selector))/click", [:])
    }

    /// Types a text in place of the one that is there.
    func retype(_ text: String, into selector: String) async throws {
        _ = try await command("POST", "element/\(find(selector))/clear", [:])
        try await type(text, into: selector)
    }

    /// Clicks, again if the live page has just replaced the element.
    func press(_ selector: String) async throws {
        try await eventually("\(selector) to click", within: .seconds(10), passing: isAway) {
            try await click(selector)
            return true
        }
    }

    func text(of selector: String) async throws -> String {
        try await command("GET", "element/\(find(selector))/text", nil) as? String ?? ""
    }

    func value(of selector: String) async throws -> String {
        try await command("GET", "element/\(find(selector))/property/value", nil) as? String ?? ""
    }

    /// Runs a script in the page, and returns what it returns, as text.
    @discardableResult
    func run(_ script: String) async throws -> String {
        let answer = try await command(
            "POST", "execute/sync", ["script": "return String(\(script))", "args": [String]()])
        return answer as? String ?? ""
    }

    func find(_ selector: String) async throws -> String {
        let found = try await command("POST", "element", ["using": "css selector", "value": selector])
        guard let element = (found as? [String: String])?.values.first else {
            throw TestFailure("\(selector) is not on the page")
        }
        return element
    }

    func command(_ method: String, _ path: String, _ body: [String: Any]?) async throws -> Any? {
        try await Self.send(method, port, "/session/\(session)/\(path)", body)
    }

    private static func send(
        _ method: String, _ port: Int, _ path: String, _ body: [String: Any]?
    ) async throws -> Any? {
        let data = try body.map { try JSONSerialization.data(withJSONObject: $0) }
        let client = HTTPClient(port: port, timeout: .seconds(30), answerLimit: 16 << 20)
        let answer = try await client.exchange(HTTPMethod(rawValue: method), path, body: data)
        let text = String(buffer: answer.body)
        guard answer.status == 200 else { throw TestFailure("\(path): \(text)") }
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return object?["value"]
    }
}

import Foundation
import Processes
import Testing

/// The first tutorial as somebody follows it who copies what it shows: package, program and commands.
@Suite("Tutorial: a first service, from its page", .timeLimit(.minutes(15)))
struct FirstServicePackageTests {
    @Test(
        "the package builds, its commands show the order and its one invoice, and starts after a kill do as the page says"
    )
    func followed() async throws {
        let page = try Page("Sources/Tidings/Documentation.docc/FirstService.md")
        let address = "127.0.0.1:\(try freePorts(1))"
        try await withTemporaryFolder { folder in
            let program = try await Self.build(page, in: folder, kafka: address)
            let commands = page.commands.filter { $0[0] != "make" && $0[0] != "swift" }
                .map { $0.map { $0 == "127.0.0.1:9092" ? address : $0 } }
            try #require(
                commands.map { $0.prefix(2) } == [
                    ["tidings", "broker"], ["tidings", "topics"], ["tidings", "consume"],
                    ["sqlite3", "invoicing.sqlite"],
                ])
            let broker = try Self.run(commands[0], in: folder, kafka: address)
            _ = try await broker.waitForLine(startingWith: "tidings broker ready at \(address)")
            let made = try Self.run(commands[1], in: folder, kafka: address)
            #expect(try await made.waitForExit() == 0, "\(made.errors)")

            #expect(page.commands.contains(["swift", "run", "FirstService", "1"]))
            let service = try Self.run([program, "1"], in: folder, kafka: address)
            try await eventually("the order has its invoice") {
                let look = try Self.run(commands[3], in: folder, kafka: address)
                return try await look.waitForExit() == 0 && look.lines == ["1|4200"]
            }
            let seen = try Self.run(commands[2], in: folder, kafka: address)
            #expect(try await seen.waitForExit() == 0, "\(seen.errors)")
            let shown = seen.lines.joined(separator: "\n")
            #expect(shown.contains("shop.order.placed") && shown.contains("4200"), "\(shown)")
            try await service.killAndWait()
            // As the page says: order 1 is placed already, another is not.
            #expect(try await Self.run([program, "1"], in: folder, kafka: address).waitForExit() != 0)
            let again = try Self.run([program], in: folder, kafka: address)
            try await eventually("both orders have one invoice each") {
                let look = try Self.run(commands[3], in: folder, kafka: address)
                return try await look.waitForExit() == 0 && look.lines.count == 2 && look.lines.contains("1|4200")
            }
            try await again.killAndWait()
            broker.signal(SIGTERM)
            #expect(try await broker.waitForExit() == 0)
        }
    }

    /// The page's manifest and its program, beside this checkout.
    private static func build(_ page: Page, in folder: String, kafka: String) async throws -> String {
        let manifest = try #require(page.blocks(in: "text").first).joined(separator: "\n")
        let code = page.blocks(in: "swift").joined().joined(separator: "\n")
        try #require(manifest.contains("path: \"../tidings\"") && code.contains("\"127.0.0.1:9092\""))
        let sources = folder + "/Sources/FirstService"
        try FileManager.default.createDirectory(atPath: sources, withIntermediateDirectories: true)
        try manifest.replacing("path: \"../tidings\"", with: "name: \"tidings\", path: \"\(Programs.checkout)\"")
            .write(toFile: folder + "/Package.swift", atomically: true, encoding: .utf8)
        try code.replacing("\"127.0.0.1:9092\"", with: "\"\(kafka)\"")
            .write(toFile: sources + "/main.swift", atomically: true, encoding: .utf8)
        // What another package from outside has built of Tidings there is not built again.
        let scratch = Programs.checkout + "/.build-outside"
        let build = try ChildProcess(
            "/usr/bin/env", ["swift", "build", "--package-path", folder, "--scratch-path", scratch])
        try #require(try await build.waitForExit(within: .seconds(600)) == 0, "\(build.lines)\n\(build.errors)")
        return scratch + "/debug/FirstService"
    }

    private static func run(_ words: [String], in folder: String, kafka: String) throws -> ChildProcess {
        let program = words[0] == "tidings" ? Programs.tidings : words[0]
        return try ChildProcess(
            "/usr/bin/env", ["--chdir=\(folder)", program] + words.dropFirst(),
            environment: ["TIDINGS_KAFKA": kafka, "XDG_CONFIG_HOME": "/nonexistent"])
    }
}

import ArgumentParser
import Foundation
import Processes
import Testing

@testable import Shop
@testable import TidingsCommand

/// The code that the documentation shows is code that the tests in `Tutorials` run.
@Suite("What the documentation shows")
struct ArticleTests {
    private static let catalogue = "Sources/Tidings/Documentation.docc"

    /// Every article of the catalogue, by its path.
    private static let articles: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(Programs.checkout)/\(catalogue)")) ?? []
        return files.filter { $0.hasSuffix(".md") }.sorted().map { "\(catalogue)/\($0)" }
    }()

    /// All pages for users, by their paths.
    static let pages = ["README.md", "docs/table-or-log.md", "docs/another-driver.md"] + articles

    private let tutorials: [[Substring]]

    init() throws {
        let folder = "\(Programs.checkout)/Tests/DocumentationTests/Tutorials"
        tutorials = try FileManager.default.contentsOfDirectory(atPath: folder)
            .map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
            .map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
        try #require(tutorials.count > 4)
    }

    @Test("is code that is compiled and run", arguments: pages)
    func isTested(page: String) throws {
        for paragraph in try Page(page).blocks(in: "swift").flatMap(Self.paragraphs) {
            let lines = paragraph.joined(separator: "\n")
            #expect(
                tutorials.contains { Self.contains($0, paragraph) },
                "no file in Tests/DocumentationTests/Tutorials has these lines of \(page):\n\(lines)")
        }
    }

    @Test("is linked from the first page, and every link leads somewhere")
    func links() throws {
        let names = Set(Self.articles.map { ($0 as NSString).lastPathComponent.dropLast(3) })
        let front = try Page("\(Self.catalogue)/Tidings.md").text
        let linked = Set(front.matches(of: /<doc:(\w+)>/).map { $0.output.1 })
        #expect(linked == names.subtracting(["Tidings"]))
    }

    @Test("would not be found where it is not, so that a changed line fails")
    func comparesLines() {
        let file: [Substring] = ["func a() {", "    let b = 1", "    let c = 2", "}"]
        #expect(Self.contains(file, ["let b = 1", "let c = 2"]))
        #expect(!Self.contains(file, ["let b = 1", "let c = 3"]))
        #expect(!Self.contains(file, ["let c = 2", "let b = 1"]))
        let page = Page(text: "a\n```swift\n// Explained.\nlet x = 1\n\n    y\n```\nb")
        #expect(page.blocks(in: "swift").flatMap(Self.paragraphs) == [["let x = 1"], ["    y"]])
    }

    @Test("is commands that the programs and the Makefile know", arguments: pages)
    func commands(page: String) throws {
        let makefile = try Page("Makefile").text
        for words in try Page(page).commands {
            switch words[0] {
            case "tidings": #expect(throws: Never.self) { try TidingsCommand.parseAsRoot(Array(words.dropFirst())) }
            case "shop": #expect(throws: Never.self) { try Shop.parseAsRoot(Array(words.dropFirst())) }
            case "make": #expect(makefile.contains("\n\(words[1]):"), "\(words)")
            // Run with the tutorial that it belongs to.
            case "sqlite3", "swift": #expect(page.hasSuffix("FirstService.md"))
            default: Issue.record("\(page) shows \(words), which nothing tries")
            }
        }
    }

    @Test("is read word by word")
    func words() {
        let page = Page(text: "```sh\n.build/release/tidings topics list   # all\nsqlite3 a.db 'SELECT 1'\n```")
        #expect(page.commands == [["tidings", "topics", "list"], ["sqlite3", "a.db", "SELECT 1"]])
    }

    /// The parts between empty lines, without the comments that explain them.
    private static func paragraphs(_ block: [Substring]) -> [[Substring]] {
        block.split(separator: "").map { $0.filter { !$0.hasPrefix("//") } }.filter { !$0.isEmpty }
    }

    /// Whether the lines stand one after the other in a file, at whatever depth.
    private static func contains(_ file: [Substring], _ block: [Substring]) -> Bool {
        guard let first = block.first else { return true }
        return file.indices.contains { start in
            guard file[start].hasSuffix(first), start + block.count <= file.count else { return false }
            let depth = file[start].prefix { $0 == " " }.count - first.prefix { $0 == " " }.count
            let indent = String(repeating: " ", count: max(0, depth))
            return depth >= 0 && zip(file[start...], block).allSatisfy { $0 == indent + $1 }
        }
    }
}

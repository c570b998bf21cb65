import Foundation
import Testing

/// The code that the documentation shows is code that the tests in `Tutorials` run.
@Suite("What the documentation shows")
struct ArticleTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let catalogue = root.appendingPathComponent("Sources/Tidings/Documentation.docc")

    /// The README and every article, by their paths.
    static let pages: [String] = {
        let articles = (try? FileManager.default.contentsOfDirectory(atPath: catalogue.path)) ?? []
        return ["README.md"]
            + articles.filter { $0.hasSuffix(".md") }.sorted().map { "Sources/Tidings/Documentation.docc/\($0)" }
    }()

    private let tutorials: [[Substring]]

    init() throws {
        let folder = Self.root.appendingPathComponent("Tests/DocumentationTests/Tutorials")
        tutorials = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
            .map { $0.split(separator: "\n", omittingEmptySubsequences: false) }
        try #require(tutorials.count > 4)
    }

    @Test("is code that is compiled and run", arguments: pages)
    func isTested(page: String) throws {
        let text = try String(contentsOf: Self.root.appendingPathComponent(page), encoding: .utf8)
        for paragraph in Self.swiftBlocks(of: text).flatMap(Self.paragraphs) {
            let lines = paragraph.joined(separator: "\n")
            #expect(
                tutorials.contains { Self.contains($0, paragraph) },
                "no file in Tests/DocumentationTests/Tutorials has these lines of \(page):\n\(lines)")
        }
    }

    @Test("is linked from the first page, and every link leads somewhere")
    func links() throws {
        let names = Set(Self.pages.dropFirst().map { ($0 as NSString).lastPathComponent.dropLast(3) })
        let front = try String(contentsOf: Self.catalogue.appendingPathComponent("Tidings.md"), encoding: .utf8)
        let linked = Set(front.matches(of: /<doc:(\w+)>/).map { $0.output.1 })
        #expect(linked == names.subtracting(["Tidings"]))
    }

    @Test("would not be found where it is not, so that a changed line fails")
    func comparesLines() {
        let file: [Substring] = ["func a() {", "    let b = 1", "    let c = 2", "}"]
        #expect(Self.contains(file, ["let b = 1", "let c = 2"]))
        #expect(!Self.contains(file, ["let b = 1", "let c = 3"]))
        #expect(!Self.contains(file, ["let c = 2", "let b = 1"]))
        let blocks = Self.swiftBlocks(of: "a\n```swift\n// Explained.\nlet x = 1\n\n    y\n```\nb")
        #expect(blocks.flatMap(Self.paragraphs) == [["let x = 1"], ["    y"]])
    }

    /// The lines of each block of Swift code in a page.
    private static func swiftBlocks(of text: String) -> [[Substring]] {
        var blocks: [[Substring]] = []
        var current: [Substring]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let lines = current {
                if line.hasPrefix("```") {
                    blocks.append(lines)
                    current = nil
                } else {
                    current = lines + [line]
                }
            } else if line == "```swift" {
                current = []
            }
        }
        return blocks
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

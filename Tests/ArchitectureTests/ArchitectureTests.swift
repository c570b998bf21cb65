import Foundation
import Testing

@Suite("The house")
struct ArchitectureTests {
    @Test("imports only point where the architecture allows", arguments: House.rooms.keys.sorted())
    func importsPointDown(target: String) throws {
        let room = try #require(House.rooms[target])
        let allowed = room.mayImport.union(House.platform).union(House.vocabulary)
        let files = try House.files(in: room.folder)
        #expect(!files.isEmpty, "\(room.folder) has no sources: is the table out of date?")
        for file in files {
            let wrong = file.imports.subtracting(allowed).sorted()
            #expect(wrong.isEmpty, "\(file.path) imports \(wrong.joined(separator: ", "))")
        }
    }

    @Test("every source folder is a room of the table")
    func everyFolderIsKnown() throws {
        let systemLibraries: Set<String> = [
            "CCRC32C", "CProcess", "CZlib", "CLZ4", "CZstd", "CSnappy", "CRDKafka", "CPQ",
        ]
        let folders = try FileManager.default.contentsOfDirectory(atPath: House.root.path + "/Sources")
        #expect(Set(folders).subtracting(systemLibraries) == Set(House.rooms.keys).subtracting(["Shop"]))
    }

    @Test("the broker's tower does without Foundation", arguments: House.withoutFoundation)
    func noFoundation(target: String) throws {
        for file in try House.files(in: "Sources/\(target)") {
            #expect(!file.imports.contains("Foundation"), "\(file.path) imports Foundation")
        }
    }

    @Test("files stay below 600 lines and functions below a screen", arguments: ["Sources", "Examples"])
    func filesAndFunctionsAreShort(folder: String) throws {
        for file in try House.files(in: folder) {
            #expect(file.lines.count <= 600, "\(file.path) has \(file.lines.count) lines: split it")
            for (line, length) in functionLengths(of: file) where length > 70 {
                Issue.record("\(file.path):\(line) is a function of \(length) lines (at most 70)")
            }
        }
    }

    @Test("nothing sleeps in place of waiting, and nothing traps on bad input", arguments: ["Sources", "Examples"])
    func noSleepsNoTraps(folder: String) throws {
        let banned = ["usleep(", "Thread.sleep", "try!", "as!", "fatalError("]
        for file in try House.files(in: folder) {
            for (number, line) in file.lines.enumerated() where !line.contains("//") {
                for word in banned where line.contains(word) {
                    Issue.record("\(file.path):\(number + 1) uses \(word)")
                }
            }
        }
    }

    /// Start line and length of every function, read from indentation (which the formatter guarantees).
    private func functionLengths(of file: House.SourceFile) -> [(line: Int, length: Int)] {
        var found: [(Int, Int)] = []
        let lines = file.lines
        for (start, line) in lines.enumerated() {
            let words = line.split(separator: " ")
            guard words.contains("func") || words.contains(where: { $0.hasPrefix("init(") }) else { continue }
            guard !words.contains(where: { $0.hasPrefix("//") || $0.hasPrefix("///") }) else { continue }
            let indent = line.prefix { $0 == " " }
            guard let open = bodyStart(of: start, in: lines) else { continue }
            if let close = lines[open...].firstIndex(where: { $0 == indent + "}" }) {
                found.append((start + 1, close - start + 1))
            }
        }
        return found
    }

    /// The line whose `{` opens the body of the declaration at `start`; nil for a protocol's requirement.
    private func bodyStart(of start: Int, in lines: [Substring]) -> Int? {
        var depth = 0
        for index in start..<min(start + 30, lines.count) {
            for character in lines[index] {
                if character == "(" { depth += 1 }
                if character == ")" { depth -= 1 }
            }
            if depth == 0, lines[index].hasSuffix("{") { return index }
            let next = index + 1 < lines.count ? lines[index + 1].drop { $0 == " " } : ""
            let continues = ["->", "where", "async", "throws", ")", "{"].contains { next.hasPrefix($0) }
            if depth == 0, !continues { return nil }
        }
        return nil
    }
}

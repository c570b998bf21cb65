import Foundation
import Processes

/// A page of the documentation, by its path in the project.
struct Page {
    let text: String

    init(_ path: String) throws {
        text = try String(contentsOfFile: "\(Programs.checkout)/\(path)", encoding: .utf8)
    }

    init(text: String) {
        self.text = text
    }

    /// The lines of each block of code in a language.
    func blocks(in language: String) -> [[Substring]] {
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
            } else if line == "```" + language {
                current = []
            }
        }
        return blocks
    }

    /// The commands that it shows, each as its words: without comments and quotes, and without the folder of a program.
    var commands: [[String]] {
        blocks(in: "sh").joined().map { line in
            var words: [String] = [""]
            var isQuoted = false
            for character in line.prefix(while: { $0 != "#" }) {
                switch character {
                case "'": isQuoted.toggle()
                case " " where !isQuoted: words.append("")
                default: words[words.count - 1].append(character)
                }
            }
            words[0] = (words[0] as NSString).lastPathComponent
            return words.filter { !$0.isEmpty }
        }
    }
}

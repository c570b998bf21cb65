/// Makes lines of the pieces in which a pipe delivers them.
struct LineBuffer: Sendable {
    /// A longer line is dropped: nobody here says that much.
    static let longest = 4096

    private var rest: [UInt8] = []

    /// Adds a piece; returns the lines that are complete by now, without their ends.
    mutating func add(_ piece: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in piece {
            if byte == UInt8(ascii: "\n") {
                if rest.count <= Self.longest { lines.append(String(decoding: rest, as: UTF8.self)) }
                rest = []
            } else if rest.count <= Self.longest {
                rest.append(byte)
            }
        }
        return lines
    }
}

extension String {
    /// What follows a first word and its space; nil when the line begins with another word.
    func wordsAfter(_ word: String) -> String? {
        hasPrefix(word + " ") ? String(dropFirst(word.count + 1)) : nil
    }
}

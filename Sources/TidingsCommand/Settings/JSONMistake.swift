/// The first thing in a text that is not JSON (RFC 8259), with its place, for a person who wrote it by hand.
///
/// ```swift
/// let mistake = JSONMistake(in: Array("{ \"a\" 1 }".utf8))     // line 1, column 7: a colon is missing behind the key
/// ```
struct JSONMistake: CustomStringConvertible {
    /// Both from 1; a column is a byte.
    let line: Int
    let column: Int
    let words: String

    var description: String { "line \(line), column \(column): \(words)" }

    /// Nil if the text is JSON.
    init?(in text: [UInt8]) {
        var reader = JSONReader(text: text)
        do throws(JSONReader.Stop) {
            try reader.document()
            return nil
        } catch {
            let before = text[..<error.position]
            line = 1 + before.count { $0 == UInt8(ascii: "\n") }
            column = 1 + before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
            words = error.words
        }
    }
}

/// Goes through a text as JSON's grammar says, and keeps nothing.
private struct JSONReader {
    struct Stop: Error {
        let position: Int
        let words: String
    }

    /// Deeper than any settings, and not so deep that the stack ends.
    private static let deepest = 100
    private static var number: Regex<(Substring, Substring, Substring?, Substring?)> {
        #/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/#
    }

    let text: [UInt8]
    private var position = 0
    private var depth = 0

    init(text: [UInt8]) { self.text = text }

    mutating func document() throws(Stop) {
        try value()
        skipSpace()
        if position < text.count { throw stop("nothing may follow the end of the JSON") }
    }

    private mutating func value() throws(Stop) {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"):
            try list(until: UInt8(ascii: "}")) { (reader: inout JSONReader) throws(Stop) in try reader.member() }
        case UInt8(ascii: "["):
            try list(until: UInt8(ascii: "]")) { (reader: inout JSONReader) throws(Stop) in try reader.value() }
        case UInt8(ascii: "\""): try string()
        case nil: throw stop("it ends where a value is missing")
        default: try word()
        }
    }

    /// What is in brackets, with commas between.
    private mutating func list(
        until end: UInt8, _ element: (inout JSONReader) throws(Stop) -> Void
    ) throws(Stop) {
        let start = position
        position += 1
        depth += 1
        guard depth <= Self.deepest else { throw stop("too many brackets, one in another") }
        defer { depth -= 1 }
        skipSpace()
        if take(end) { return }
        while true {
            try element(&self)
            skipSpace()
            if take(end) { return }
            guard next != nil else { throw stop("the '\(Self.text(text[start]))' is never closed", at: start) }
            guard take(UInt8(ascii: ",")) else { throw stop("a comma or '\(Self.text(end))' is missing") }
            skipSpace()
            if next == end { throw stop("no comma may stand before '\(Self.text(end))'") }
        }
    }

    private mutating func member() throws(Stop) {
        skipSpace()
        guard next == UInt8(ascii: "\"") else { throw stop("a key in double quotes is missing") }
        try string()
        skipSpace()
        guard take(UInt8(ascii: ":")) else { throw stop("a colon is missing behind the key") }
        try value()
    }

    private mutating func string() throws(Stop) {
        let start = position
        position += 1
        while let byte = next {
            if take(UInt8(ascii: "\"")) { return }
            if byte < 0x20 { break }
            position += 1
            guard byte == UInt8(ascii: "\\"), let escaped = next else { continue }
            guard "\"\\/bfnrtu".utf8.contains(escaped) else {
                throw stop(
                    "'\\\(Self.text(escaped))' is nothing that a text may have; '\\\\' is a backslash", at: position - 1
                )
            }
            position += 1
        }
        throw stop("the text that begins here has no end on its line", at: start)
    }

    /// `true`, `false`, `null` or a number.
    private mutating func word() throws(Stop) {
        let start = position
        while let byte = next, !"{}[],:\"".utf8.contains(byte), byte > 0x20 { position += 1 }
        let word = String(decoding: text[start..<position], as: UTF8.self)
        if ["true", "false", "null"].contains(word) || word.wholeMatch(of: Self.number) != nil { return }
        if word.isEmpty { throw stop("a value is missing before '\(Self.text(text[start]))'") }
        throw stop("'\(readable(word))' is no JSON value; texts stand in double quotes", at: start)
    }

    // MARK: Bytes

    private var next: UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = next, " \t\r\n".utf8.contains(byte) { position += 1 }
    }

    private func stop(_ words: String, at place: Int? = nil) -> Stop { Stop(position: place ?? position, words: words) }

    private static func text(_ byte: UInt8) -> String { readable([byte]) }
}

import FoundationEssentials
import Glibc
import Synchronization

/// Why standard output did not take all that was written, as an `errno`; 0 while it does.
private let outputError = Atomic<Int32>(0)

/// A result that did not get out is none.
///
/// - Throws: ``CommandFailure`` when standard output did not take all.
func checkOutput() throws {
    let error = outputError.load(ordering: .relaxed)
    // Whoever reads may have enough.
    guard error != 0, error != EPIPE else { return }
    throw CommandFailure.output(error)
}

extension CommandFailure {
    /// Standard output did not take what was written, for the reason of an `errno`.
    static func output(_ error: Int32) -> CommandFailure {
        CommandFailure("the output cannot be written: \(String(cString: strerror(error)))")
    }
}

/// Writes unbuffered: whoever waits for a line must not wait for a buffer to fill. ``checkOutput()`` tells of failures.
func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            guard count >= 0 || errno == EINTR else {
                if descriptor == STDOUT_FILENO { outputError.store(errno, ordering: .relaxed) }
                return
            }
            written += max(0, count)
        }
    }
}

func printLine(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

/// One line of JSON, its keys in alphabetical order.
func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    printLine(String(decoding: try encoder.encode(value), as: UTF8.self))
}

/// Rows in aligned columns, the first row being the head; the last column is as long as it is. What comes from outside stays in
/// its cell and is obeyed by no terminal.
func table(_ rows: [[String]]) -> String {
    let rows = rows.map { $0.map(inOneLine) }
    let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
        row.enumerated().map { index, cell in
            index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
        }.joined(separator: "  ") + "\n"
    }.joined()
}

/// Rows under a head that stands out on a terminal.
func printTable(_ head: [String], _ rows: [[String]]) {
    let text = table([head] + rows)
    let end = text.firstIndex(of: "\n") ?? text.endIndex
    write(Terminal.output.styled(String(text[..<end]), .bold) + text[end...], to: STDOUT_FILENO)
}

/// A name from outside, without anything that a terminal would obey.
func readable(_ text: String) -> String { readable(Array(text.utf8)) }

private func inOneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "\u{FFFD}" : $0 }))
        .split(whereSeparator: \.isWhitespace).joined(separator: " ")
}

/// One or several of something.
func counted(_ count: some BinaryInteger, _ one: String, _ many: String? = nil) -> String {
    "\(Int64(count).grouped) \(count == 1 ? one : many ?? one + "s")"
}

/// Bytes for reading: as text where they are, otherwise in hexadecimal.
func readable(_ bytes: [UInt8]?, limit: Int = .max) -> String {
    guard let bytes else { return "none" }
    if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isControl) {
        return text.count > limit ? text.prefix(limit - 1) + "…" : text
    }
    let shown = bytes.prefix(max(1, limit / 2 - 2)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return "0x" + shown + (shown.count < bytes.count * 2 ? "…" : "")
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
}

extension Duration {
    /// In the largest unit that says something.
    var words: String {
        let seconds = self / .seconds(1)
        switch seconds {
        case ..<120: return "\(Double(Int(seconds * 10)) / 10) s"
        case ..<7200: return "\(Int(seconds / 60)) min"
        case ..<172_800: return "\(Int(seconds / 3600)) h"
        default: return "\(Int(seconds / 86_400)) days"
        }
    }
}

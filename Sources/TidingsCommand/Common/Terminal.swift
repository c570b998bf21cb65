import FoundationEssentials
import Glibc

/// What is at the other end of standard output or standard error.
struct Terminal: Sendable {
    /// A way to make words stand out.
    enum Style: String {
        case bold = "1"
        case faint = "2"
        case red = "31"
        case yellow = "33"
    }

    static let output = Terminal(STDOUT_FILENO)
    static let errors = Terminal(STDERR_FILENO)

    let descriptor: Int32
    /// Whether a person is looking.
    let isInteractive: Bool
    /// Whether colours are wanted: on a terminal that has them, and unless `NO_COLOR` is set (no-color.org).
    let hasColours: Bool

    private init(_ descriptor: Int32) {
        let environment = ProcessInfo.processInfo.environment
        self.descriptor = descriptor
        isInteractive = isatty(descriptor) == 1
        hasColours = isInteractive && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// The text, in that style where colours are wanted.
    func styled(_ text: String, _ style: Style) -> String {
        hasColours ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// A line that is to be written anew, as long as there is room; the codes that take the old one away need none.
    func fitting(_ line: String) -> String { isInteractive ? String(line.prefix(width + 3)) : line }

    /// How many characters a line has room for.
    var width: Int {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

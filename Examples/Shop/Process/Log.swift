import Foundation
import Logging

/// Logs go to standard error; standard output is for the one line that says that something is ready.
enum Log {
    static func make(_ name: String) -> Logger {
        Logger(label: name) { StreamLogHandler.standardError(label: $0) }
    }

    /// Tells the one at the terminal why the program ends.
    static func complain(_ text: String) {
        FileHandle.standardError.write(Data("shop: \(text)\n".utf8))
    }
}

import Foundation
import Logging

/// Logs go to standard error; standard output is for the one line that says that something is ready.
enum Log {
    static func make(_ name: String) -> Logger {
        var logger = Logger(label: name) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = ProcessInfo.processInfo.environment[levelName].flatMap { Logger.Level(rawValue: $0) } ?? .info
        return logger
    }

    /// The environment's word for what is logged, such as `debug`.
    static let levelName = "LOG_LEVEL"

    /// Lets this program and those it starts log no more than what one should know, unless somebody has asked for more.
    ///
    /// Call it before there is a second thread.
    static func calmDown() {
        setenv(levelName, Logger.Level.notice.rawValue, 0)
    }

    /// Tells the one at the terminal why the program ends.
    static func complain(_ text: String) {
        FileHandle.standardError.write(Data("shop: \(text)\n".utf8))
    }
}

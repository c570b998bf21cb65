import Foundation
import Logging

/// Logs go to standard error; standard output is for the one line that says that something is ready.
enum Log {
    static func make(_ name: String) -> Logger {
        let level = ProcessInfo.processInfo.environment[levelName].flatMap { Logger.Level(rawValue: $0) } ?? .info
        var logger = Logger(label: name) { label in
            let handler = StreamLogHandler.standardError(label: label)
            return level == .notice ? WithoutClient(handler) : handler
        }
        logger.logLevel = level
        return logger
    }

    /// The environment's word for what is logged, such as `debug`.
    static let levelName = "LOG_LEVEL"

    /// Lets this program and those it starts log no more than what one should know, unless somebody has asked for more: not
    /// each connection that each client loses when somebody kills a broker for a demonstration.
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

/// Leaves out what the Kafka client says of its connections.
private struct WithoutClient: LogHandler {
    private var handler: StreamLogHandler

    init(_ handler: StreamLogHandler) {
        self.handler = handler
    }

    func log(event: LogEvent) {
        if event.source != "KafkaClient" { handler.log(event: event) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    var logLevel: Logger.Level {
        get { handler.logLevel }
        set { handler.logLevel = newValue }
    }
}

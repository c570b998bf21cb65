import Logging

/// Hears what a client logs, and prints nothing.
package struct Listener: LogHandler {
    private let hear: @Sendable (LogEvent) -> Void
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]

    /// A listener to all of this level and above.
    package init(from level: Logger.Level, _ hear: @escaping @Sendable (LogEvent) -> Void) {
        self.hear = hear
        logLevel = level
    }

    package func log(event: LogEvent) { hear(event) }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}

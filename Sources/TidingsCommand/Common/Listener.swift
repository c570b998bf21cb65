import Logging

/// Hears what a client logs, and prints nothing.
struct Listener: LogHandler {
    private let hear: @Sendable (LogEvent) -> Void
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    /// A listener to all of this level and above.
    init(from level: Logger.Level, _ hear: @escaping @Sendable (LogEvent) -> Void) {
        self.hear = hear
        logLevel = level
    }

    func log(event: LogEvent) { hear(event) }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }
}

import Logging
import Synchronization

/// Keeps the last thing that librdkafka complained about, for the reason of a failure; prints nothing.
package final class LastWords: Sendable {
    private let words = Mutex<(last: String?, areAllDown: Bool)>((nil, false))

    package init() {}

    /// Whether no connection to any broker could be made.
    package var areAllDown: Bool { words.withLock { $0.areAllDown } }

    /// Without librdkafka's own names for its threads in front, and its clock behind.
    package var text: String? {
        words.withLock { words in
            words.last.map { line in
                let start = (line.firstRange(of: "/bootstrap: ") ?? line.firstRange(of: "]: "))?.upperBound
                return String(line[(start ?? line.startIndex)...]).withoutClock
            }
        }
    }

    /// For the client in question.
    package var logger: Logger {
        Logger(label: "kafka") { _ in Listener(from: .warning) { self.hear("\($0.message)") } }
    }

    private func hear(_ message: String) {
        // Why each of them is down was said before.
        let saysAllDown = message.hasSuffix("brokers are down")
        words.withLock { words in
            if words.last == nil || !saysAllDown { words.last = message }
            words.areAllDown = words.areAllDown || saysAllDown
        }
    }
}

extension String {
    /// One of librdkafka's lines without the time that it took: “… failed: Connection refused (after 0ms in state CONNECT, 30
    /// identical error(s) suppressed)”
    var withoutClock: String { firstRange(of: " (after ").map { String(self[..<$0.lowerBound]) } ?? self }
}

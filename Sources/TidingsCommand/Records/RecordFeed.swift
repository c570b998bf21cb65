import Glibc
import KafkaClient
import Tidings

/// Makes records of lines, as the options of `produce` say.
final class RecordFeed {
    private let command: ProduceCommand
    private let headers: [RecordHeader]
    private let reader: LineReader?
    private let separator: [UInt8]?
    private var line = 1
    private var isDone = false
    private var mistake: CommandFailure?

    init(_ command: ProduceCommand) throws {
        self.command = command
        headers = command.headers.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return RecordHeader(String(parts[0]), String(parts[1]))
        }
        separator = command.keySeparator.map { Array($0.utf8) }
        reader = try command.value == nil ? LineReader(path: command.file) : nil
    }

    /// How many bytes were read, and how many there are if it is a file.
    var position: Int64 { reader?.position ?? 0 }
    var size: Int64? { command.file == nil ? nil : reader?.size }

    /// Whether a person writes the lines.
    var isTyped: Bool {
        reader != nil && command.file == nil && isatty(STDIN_FILENO) == 1 && Terminal.errors.isInteractive
    }

    /// A line as it is named in an error.
    func place(_ line: Int) -> String {
        command.value == nil ? "line \(line) of \(command.file ?? "standard input")" : "the value"
    }

    /// The next records, and the number of the line that the first stands in; nil at the end.
    ///
    /// - Throws: ``CommandFailure`` for a line that is no record, which names it, when all before it were given out.
    func next() async throws -> (messages: [ProducerMessage], firstLine: Int)? {
        if let mistake { throw mistake }
        if isDone { return nil }
        guard let reader else {
            isDone = true
            return ([message(Array((command.value ?? "").utf8)[...])], 1)
        }
        guard let lines = try await reader.next() else { return nil }
        let first = line
        line += lines.count
        var messages: [ProducerMessage] = []
        for text in lines {
            do {
                messages.append(try parse(text))
            } catch let error as RecordLine.Mistake {
                let failure = CommandFailure("\(place(first + messages.count)) \(error)")
                if messages.isEmpty { throw failure }
                mistake = failure
                break
            }
        }
        return (messages, first)
    }

    private func parse(_ text: ArraySlice<UInt8>) throws -> ProducerMessage {
        guard command.json else { return try split(text) }
        var message = try ProducerMessage(
            topic: command.topic, RecordLine(text), keepsPartition: command.keepPartitions)
        message.partition = message.partition ?? command.partition
        message.headers.append(contentsOf: RecordHeaders(headers + envelope(of: message.value)))
        return message
    }

    private func split(_ text: ArraySlice<UInt8>) throws -> ProducerMessage {
        guard let separator else { return message(text) }
        guard let place = text.firstRange(of: separator) else {
            throw RecordLine.Mistake(description: "has no '\(command.keySeparator ?? "")' behind a key")
        }
        return message(text[place.upperBound...], key: Array(text[..<place.lowerBound]))
    }

    private func message(_ value: ArraySlice<UInt8>, key: [UInt8]? = nil) -> ProducerMessage {
        let value = value.isEmpty && command.tombstones ? nil : Array(value)
        return ProducerMessage(
            topic: command.topic, partition: command.partition, key: key ?? command.key.map { Array($0.utf8) },
            value: value, headers: RecordHeaders(headers + envelope(of: value)))
    }

    private func envelope(of value: [UInt8]?) -> [RecordHeader] {
        guard let type = command.type else { return [] }
        let headers = EventHeader.envelope(
            id: EventID(), source: command.source ?? "tidings-produce", type: type,
            contentType: value == nil ? nil : value?.first == UInt8(ascii: "{") ? "application/json" : "text/plain")
        return headers.map { RecordHeader($0.name, $0.value) }
    }
}

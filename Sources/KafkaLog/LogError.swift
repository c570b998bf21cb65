import KafkaProtocol

/// Why the log refused something or cannot go on.
///
/// `errorCode` is what a Kafka client is told; `message` is for the broker's own log.
public struct LogError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String, Hashable, Sendable {
            case corruptMessage, invalidRecord, messageTooLarge, recordListTooLarge, unsupportedCompression
            case outOfOrderSequence, invalidProducerEpoch, invalidTransaction
            case invalidTimestamp, offsetOutOfRange, noSpace, storage, readOnly, damaged, unsupportedFormat, closed
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The bytes are not whole batches, or a checksum is wrong.
        public static let corruptMessage = Code(.corruptMessage)
        /// A well-formed batch that this log does not take: a client's control batch, counts that contradict each
        /// other, a record without key in a compacted topic.
        public static let invalidRecord = Code(.invalidRecord)
        /// A batch is larger than `LogConfiguration.maxMessageBytes`.
        public static let messageTooLarge = Code(.messageTooLarge)
        /// All batches together are larger than a segment.
        public static let recordListTooLarge = Code(.recordListTooLarge)
        /// A compression number that Kafka does not define.
        public static let unsupportedCompression = Code(.unsupportedCompression)
        /// An idempotent producer's batch that neither follows the last one nor repeats one of the last five.
        public static let outOfOrderSequence = Code(.outOfOrderSequence)
        /// An idempotent producer's batch under an epoch older than the newest.
        public static let invalidProducerEpoch = Code(.invalidProducerEpoch)
        /// A transactional batch outside of a transaction that this partition was added to.
        public static let invalidTransaction = Code(.invalidTransaction)
        /// A timestamp too far from the log's clock.
        public static let invalidTimestamp = Code(.invalidTimestamp)
        /// An offset before the log's start or behind its end.
        public static let offsetOutOfRange = Code(.offsetOutOfRange)
        /// The disk is full. The log is as it was before and works on when there is space.
        public static let noSpace = Code(.noSpace)
        /// A file could not be read or written.
        public static let storage = Code(.storage)
        /// An earlier failure (a failed sync, for one) left it unknown what is on the disk; the log takes no more.
        public static let readOnly = Code(.readOnly)
        /// Bytes that were good once are not any more: rot. The message names file and position.
        public static let damaged = Code(.damaged)
        /// The directory was written in a format that this version does not know.
        public static let unsupportedFormat = Code(.unsupportedFormat)
        /// The log was closed.
        public static let closed = Code(.closed)

        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public var code: Code
    /// What happened, with file, position and numbers.
    public var message: String
    /// The error behind it, if there is one.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// What a Kafka client is told.
    public var errorCode: ErrorCode {
        switch code {
        case .corruptMessage: .corruptMessage
        case .invalidRecord: .invalidRecord
        case .messageTooLarge: .messageTooLarge
        case .recordListTooLarge: .recordListTooLarge
        case .unsupportedCompression: .unsupportedCompressionType
        case .outOfOrderSequence: .outOfOrderSequenceNumber
        case .invalidProducerEpoch: .invalidProducerEpoch
        case .invalidTransaction: .invalidTxnState
        case .invalidTimestamp: .invalidTimestamp
        case .offsetOutOfRange: .offsetOutOfRange
        default: .kafkaStorageError
        }
    }

    /// Whether the same call may succeed later.
    public var isRetriable: Bool { code == .noSpace }

    /// Whether this log takes no further appends until it is opened anew (or, when damaged, not even then).
    public var isFatal: Bool {
        [.readOnly, .damaged, .unsupportedFormat, .closed].contains(code)
    }

    public var description: String {
        let reason = cause.map { " (\($0))" } ?? ""
        return "\(code): \(message)\(reason)"
    }

    /// A failed file operation: `.noSpace` for a full disk, else `.storage`.
    init(file error: FileError) {
        self.init(error.code == .noSpace ? .noSpace : .storage, error.description, cause: error)
    }
}

/// Runs file operations and turns their errors into the log's.
func storing<Value>(_ body: () throws(FileError) -> Value) throws(LogError) -> Value {
    do throws(FileError) { return try body() } catch { throw LogError(file: error) }
}

/// Where records leave to: a Kafka producer, or a test's double.
///
/// A sender keeps the order of the records of one key within a call and between calls.
public protocol RecordSender: Sendable {
    /// Sends the records, pipelined, and waits until each is acknowledged or has failed for good.
    ///
    /// - Returns: one outcome for each record, in the same order.
    /// - Throws: only when nothing is known about any of the records (for example on cancellation).
    func send(_ records: [EventRecord]) async throws -> [SendOutcome]
}

/// What became of one record.
public enum SendOutcome: Sendable {
    /// Acknowledged, and where it stands.
    case sent(partition: Int32, offset: Int64)

    /// Not acknowledged. The failure says whether a later attempt may succeed.
    case failed(SendFailure)

    /// Why it was not acknowledged; nil if it was.
    var failure: SendFailure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}

/// Why a record could not be sent.
public struct SendFailure: Error, Sendable, CustomStringConvertible {
    /// What happened, in words.
    public var message: String

    /// True when a later attempt may succeed, if only after something else was put right (a topic made, a right given);
    /// false when this record will never be accepted as it is.
    public var isRetriable: Bool

    /// True when the sender is of no further use.
    public var isFatal: Bool

    /// True when nobody knows whether the record is out; false when it certainly is not.
    public var mayBeOut: Bool

    /// What of the record is not taken, where that is known.
    public var fault: Fault?

    /// What of a record Kafka does not take.
    public struct Fault: Hashable, Sendable {
        private let name: String

        /// Its topic is not there, or the right to it is missing.
        public static let topic = Fault(name: "topic")

        /// It is too large: alone, or together with those it was sent with (`max.message.bytes`).
        public static let size = Fault(name: "size")
    }

    /// A failure, told in the sender's words. What may be tried again may be out, unless it is said that it is not.
    public init(
        message: String, isRetriable: Bool, isFatal: Bool = false, mayBeOut: Bool? = nil, fault: Fault? = nil
    ) {
        self.message = message
        self.isRetriable = isRetriable
        self.isFatal = isFatal
        self.mayBeOut = mayBeOut ?? (isRetriable || isFatal)
        self.fault = fault
    }

    public var description: String { message }
}

/// What can go wrong between a service's database and Kafka.
public struct TidingsError: Error, Sendable {
    /// The kind of error. New kinds may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case notInTransaction, committedButNotSent, sentButActionFailed, notSent, noProducer
            case cannotEncode, cannotDecode, fenced, offsetBeyondLog, historyMissing, inconsistentOffsets
            case invalidConfiguration, notParked
            case viewNotReady, viewStopped, topicDiffers
            case groupInUse, offsetsMoved
        }

        private let kind: Kind

        /// An event was appended to the outbox outside a transaction; it would have been neither both nor neither.
        public static let notInTransaction = Code(kind: .notInTransaction)
        /// `.afterAction`: the action is committed and Kafka has not acknowledged the event, which is lost unless only the
        /// acknowledgement was (``SendFailure/mayBeOut`` of the cause).
        /// ``TidingsError/record`` holds it; `publisher.send(_:)` tries again with the same id.
        public static let committedButNotSent = Code(kind: .committedButNotSent)
        /// `.beforeAction`: the event is out and the action failed; the event is a ghost.
        /// ``TidingsError/cause`` is the action's error.
        public static let sentButActionFailed = Code(kind: .sentButActionFailed)
        /// `.beforeAction`: Kafka has not acknowledged the event, and the action was not run. If only the acknowledgement is
        /// missing (``SendFailure/mayBeOut`` of the cause), the event is a ghost.
        public static let notSent = Code(kind: .notSent)
        /// `.afterAction` or `.beforeAction` was asked of a publisher that was made without a producer.
        public static let noProducer = Code(kind: .noProducer)
        /// An event's codec refused it; nothing was done.
        public static let cannotEncode = Code(kind: .cannotEncode)
        /// A record's bytes are not what its reader expects.
        public static let cannotDecode = Code(kind: .cannotDecode)
        /// Another instance with the same name has taken over.
        public static let fenced = Code(kind: .fenced)
        /// The offset in the database lies beyond the end of Kafka's log: the topic was made anew, or Kafka has lost
        /// records. Going on would skip new events or repeat old effects, and only a person knows which.
        public static let offsetBeyondLog = Code(kind: .offsetBeyondLog)
        /// Kafka has deleted records that the subscription has not read; see
        /// ``SubscriptionConfiguration/onMissingHistory``.
        public static let historyMissing = Code(kind: .historyMissing)
        /// The database's offsets of a partition's lanes contradict each other, as they only do when changed by hand.
        public static let inconsistentOffsets = Code(kind: .inconsistentOffsets)
        /// An event that is not parked, or stands behind another that is, was to be retried or skipped.
        public static let notParked = Code(kind: .notParked)
        /// A view does not hold yet what it was asked for.
        public static let viewNotReady = Code(kind: .viewNotReady)
        /// A view has ended, and holds nothing new any more; ``TidingsError/cause`` says why, if it was no shutdown.
        public static let viewStopped = Code(kind: .viewStopped)
        /// A group was to be set back while its members have the partitions.
        public static let groupInUse = Code(kind: .groupInUse)
        /// A group has handled more since it was looked at; nothing was set back.
        public static let offsetsMoved = Code(kind: .offsetsMoved)
        /// A topic is not as it was declared (``TopicDeclaration``); the message says what was asked for and what is.
        public static let topicDiffers = Code(kind: .topicDiffers)
        /// Something was set to a value that it cannot have; the message names it.
        public static let invalidConfiguration = Code(kind: .invalidConfiguration)

        public var description: String { kind.rawValue }
    }

    /// The kind of error.
    public var code: Code

    /// What happened, what was kept and what to do next.
    public var message: String

    /// The event in question, in its envelope, where there is one.
    public var record: EventRecord?

    /// The error underneath.
    public var cause: (any Error)?

    /// True when the same call may succeed later and repeats no effect.
    public var isRetriable: Bool

    /// True when the object that threw is of no further use.
    public var isFatal: Bool {
        [.fenced, .offsetBeyondLog, .historyMissing, .inconsistentOffsets, .invalidConfiguration, .viewStopped]
            .contains(code)
    }

    /// An error of a kind, in the caller's words; a handler may throw one with `isRetriable` to be tried again.
    public init(
        _ code: Code, _ message: String, record: EventRecord? = nil, cause: (any Error)? = nil,
        isRetriable: Bool = false
    ) {
        self.code = code
        self.message = message
        self.record = record
        self.cause = cause
        self.isRetriable = isRetriable
    }
}

extension TidingsError: CustomStringConvertible {
    public var description: String {
        let reason = cause.map { ": \($0)" } ?? ""
        return "\(message)\(reason) (\(code))"
    }
}

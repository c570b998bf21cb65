import CRDKafka

/// What went wrong between this client and Kafka, and what a caller may do about it.
///
/// - `isRetriable`: the same call may succeed later without anything being changed (a broker was away, a leader moved).
/// - `isFatal`: this client can do no more; make a new one (for instance a fenced static member).
/// - `requiresAbort`: the transaction that is open cannot be committed; the next one may succeed.
/// - Neither: the request itself is wrong; the message says how.
///
/// ```swift
/// do { try await producer.send(message) } catch let error as KafkaError where error.isRetriable { /* later */ }
/// ```
///
/// The numbers are Kafka's error codes (`org.apache.kafka.common.protocol.Errors`); negative ones are librdkafka's own.
public struct KafkaError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A kind of error, open to growth.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// Kafka's number if positive, librdkafka's if negative.
        public let rawValue: Int32

        /// A code with Kafka's or librdkafka's number.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        init(_ code: rd_kafka_resp_err_t) { rawValue = code.rawValue }

        /// Kafka's name for it, for instance `UNKNOWN_TOPIC_OR_PART`.
        public var name: String {
            rd_kafka_err2name(rd_kafka_resp_err_t(rawValue)).map { String(cString: $0) } ?? "UNKNOWN(\(rawValue))"
        }

        public var description: String { name }

        /// A configuration property is unknown or has a value it cannot have.
        public static let invalidConfiguration = Code(RD_KAFKA_RESP_ERR__INVALID_ARG)
        /// The client was closed before or during the call.
        public static let closed = Code(RD_KAFKA_RESP_ERR__DESTROY)
        /// The call is not possible in this state, for instance a seek in a partition that is not assigned.
        public static let wrongState = Code(RD_KAFKA_RESP_ERR__STATE)
        /// The message was not acknowledged within the delivery timeout.
        public static let messageTimedOut = Code(RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        /// No answer within the time the call was given.
        public static let timedOut = Code(RD_KAFKA_RESP_ERR__TIMED_OUT)
        /// A broker could not be reached.
        public static let transport = Code(RD_KAFKA_RESP_ERR__TRANSPORT)
        /// The message was taken out of the queue because the producer was closed, or its send was cancelled.
        public static let purged = Code(RD_KAFKA_RESP_ERR__PURGE_QUEUE)
        /// The producer was closed while the message was on its way: the broker may have it or not.
        public static let purgedInFlight = Code(RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        /// The message is larger than the broker or this client takes.
        public static let messageTooLarge = Code(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        /// There is no such topic or partition.
        public static let unknownTopicOrPartition = Code(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        /// There is nothing at the offset where reading was to start or go on, and the reader is to be told of it
        /// (``ConsumerConfiguration/OffsetReset/fail``).
        public static let offsetOutOfRange = Code(RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        /// The topic to be created is there already.
        public static let topicAlreadyExists = Code(RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        /// A newer producer has started under the same transactional id.
        public static let fencedProducer = Code(RD_KAFKA_RESP_ERR__FENCED)
        /// A newer process joined under the same group instance id.
        public static let fencedInstance = Code(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID)
        /// The member is no longer of this generation of its group; what it commits does not count.
        public static let illegalGeneration = Code(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)
        /// The group has members, and what was asked for needs one that has none.
        public static let nonEmptyGroup = Code(RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP)
        /// Only a member of the group may do that: it has some, and who asked is none of them.
        public static let unknownMember = Code(RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID)
        /// There is no such group.
        public static let groupNotFound = Code(RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND)
        /// The broker does not know this version of a request.
        public static let unsupported = Code(RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION)
        /// The broker is too old for what was asked for, or does without it.
        public static let unsupportedFeature = Code(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
        /// None of the brokers that are known can be reached.
        public static let allBrokersDown = Code(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        /// librdkafka's own word for a topic that the cluster does not know.
        public static let unknownTopic = Code(RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        /// The group is being rebalanced.
        public static let rebalanceInProgress = Code(RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS)
    }

    /// The kind of error.
    public let code: Code
    /// What happened, and to what; where it helps, what to do about it.
    public let message: String
    /// The same call may succeed later without anything being changed.
    public let isRetriable: Bool
    /// This client can do no more; make a new one.
    public let isFatal: Bool
    /// The transaction that is open can only be aborted.
    public let requiresAbort: Bool

    /// A newer producer with the same transactional id has taken over.
    public var isFenced: Bool { KafkaError.fenced.contains(code.rawValue) }

    /// An error of a kind, told in the caller's words.
    public init(
        _ code: Code, _ message: String, isRetriable: Bool = false, isFatal: Bool = false, requiresAbort: Bool = false
    ) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
        self.isFatal = isFatal
        self.requiresAbort = requiresAbort
    }

    public var description: String {
        "\(code.name): \(message)"
            + (isFatal
                ? " (fatal)" : requiresAbort ? " (ends its transaction)" : isRetriable ? " (may be tried again)" : "")
    }
}

extension KafkaError {
    /// An error for a code of librdkafka; `context` says what was being done.
    init(_ code: rd_kafka_resp_err_t, _ context: String) {
        let words = rd_kafka_err2str(code).map { String(cString: $0) } ?? ""
        self.init(
            Code(code), context.isEmpty ? words : "\(context): \(words)",
            isRetriable: Self.retriable.contains(code.rawValue), isFatal: Self.fatal.contains(code.rawValue))
    }

    /// An error for librdkafka's error object, which is consumed.
    init(consuming error: OpaquePointer, _ context: String) {
        defer { rd_kafka_error_destroy(error) }
        let code = rd_kafka_error_code(error)
        let words = rd_kafka_error_string(error).map { String(cString: $0) } ?? ""
        self.init(
            Code(code), context.isEmpty ? words : "\(context): \(words)",
            isRetriable: rd_kafka_error_is_retriable(error) != 0 || Self.retriable.contains(code.rawValue),
            isFatal: rd_kafka_error_is_fatal(error) != 0 || Self.fatal.contains(code.rawValue),
            requiresAbort: rd_kafka_error_txn_requires_abort(error) != 0)
    }

    static func closed(_ what: String) -> KafkaError {
        KafkaError(.closed, "the \(what) is closed", isFatal: true)
    }

    private static let fenced: Set<Int32> = [
        RD_KAFKA_RESP_ERR__FENCED.rawValue, RD_KAFKA_RESP_ERR_PRODUCER_FENCED.rawValue,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH.rawValue,
    ]

    private static let fatal = fenced.union([
        RD_KAFKA_RESP_ERR__FATAL.rawValue, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID.rawValue,
    ])

    /// Kafka's retriable codes, and those of librdkafka that mean "not now".
    private static let retriable: Set<Int32> = Set(
        [
            RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, RD_KAFKA_RESP_ERR__TIMED_OUT,
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, RD_KAFKA_RESP_ERR__QUEUE_FULL,
            RD_KAFKA_RESP_ERR__WAIT_COORD, RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR__RESOLVE,
            RD_KAFKA_RESP_ERR__WAIT_CACHE,
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
            RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
            RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
        ].map(\.rawValue))
}

import KafkaProtocol

/// Why a topic cannot be made or removed, as the protocol says it.
struct TopicError: Error, Equatable {
    let code: ErrorCode
    let message: String

    init(_ code: ErrorCode, _ message: String) {
        self.code = code
        self.message = message
    }
}

import KafkaLog
import KafkaProtocol
import NIOCore
import Synchronization

/// Produce (0), versions 3 to 12; 0 is advertised as the least.
///
/// acks=all (-1) is answered when the records are on disk, acks=1 when they are written, acks=0 never: if such a request
/// fails, the connection is closed, which is the only way to say so. All partitions of a request are written and synced
/// in parallel. A retry of one of an idempotent producer's last five batches succeeds with the original offset.
///
/// librdkafka stops compressing when the advertised minimum is above 0 (KAFKA-18659), so versions 0 to 2 are advertised;
/// they carry records in formats from before 2017 and are answered with UNSUPPORTED_FOR_MESSAGE_FORMAT.
///
/// A transactional batch is taken where its producer's transaction is running, and nowhere else: the coordinator's
/// registry is asked when the batch would be appended. INVALID_TXN_STATE or, from a fenced producer,
/// INVALID_PRODUCER_EPOCH otherwise.
enum ProduceHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...12
    private static let firstVersionWithBatches: Int16 = 3

    static func answer(
        _ request: ProduceRequest, in context: RequestContext
    ) -> EventLoopFuture<ProduceResponse?> {
        if let error = refusal(of: request, in: context) {
            return finish(request, request.topicData.map { $0.partitionData.map { _ in .failed(error) } }, context)
        }
        let outcomes = Outcomes(request: request, promise: context.eventLoop.makePromise())
        for (topicIndex, topicData) in request.topicData.enumerated() {
            let topic = context.core.topics.topic(named: topicData.name)
            for (index, data) in topicData.partitionData.enumerated() {
                append(data, to: topic, acks: request.acks) { outcome in
                    outcomes.settle(topic: topicIndex, partition: index, with: outcome)
                }
            }
        }
        outcomes.settled()
        return outcomes.promise.futureResult.flatMap { finish(request, $0, context) }
    }

    private static func refusal(of request: ProduceRequest, in context: RequestContext) -> ErrorCode? {
        if context.version < firstVersionWithBatches { return .unsupportedForMessageFormat }
        if !(-1...1).contains(request.acks) { return .invalidRequiredAcks }
        return nil
    }

    private static func append(
        _ data: ProduceRequest.Partition, to topic: Topic?, acks: Int16, settle: @escaping @Sendable (Outcome) -> Void
    ) {
        guard let topic, let partition = topic.partition(data.index) else {
            return settle(.failed(.unknownTopicOrPartition))
        }
        guard !topic.isInternal else { return settle(.failed(.invalidTopic)) }
        guard let records = data.records, records.readableBytes > 0 else { return settle(.failed(.invalidRecord)) }
        partition.append(records, acknowledgement: acks == -1 ? .durable : .written) { result in
            switch result {
            case .success(let appended):
                settle(.appended(appended, logStartOffset: partition.log.logStartOffset))
            case .failure(let error):
                settle(.failed(error.clientError, message: error.message))
            }
        }
    }

    private static func finish(
        _ request: ProduceRequest, _ outcomes: [[Outcome]], _ context: RequestContext
    ) -> EventLoopFuture<ProduceResponse?> {
        if request.acks == 0 {
            let failure = outcomes.joined().compactMap(\.error).first
            return failure.map {
                context.eventLoop.makeFailedFuture(ConnectionError.unacknowledgedProduceFailed($0))
            } ?? context.eventLoop.makeSucceededFuture(nil)
        }
        let response = ProduceResponse { response in
            response.responses = zip(request.topicData, outcomes).map { topic, outcomes in
                ProduceResponse.Topic { answer in
                    answer.name = topic.name
                    answer.partitionResponses = zip(topic.partitionData, outcomes).map { $1.answer(for: $0.index) }
                }
            }
        }
        return context.now(response)
    }

    /// What became of one partition's records.
    private enum Outcome: Sendable {
        case appended(AppendResult, logStartOffset: Int64)
        case failed(ErrorCode, message: String? = nil)

        var error: ErrorCode? {
            if case .failed(let error, _) = self { error } else { nil }
        }

        func answer(for index: Int32) -> ProduceResponse.Partition {
            ProduceResponse.Partition { answer in
                answer.index = index
                switch self {
                case .appended(let result, let logStartOffset):
                    answer.baseOffset = result.baseOffset
                    answer.logAppendTimeMs = result.logAppendTime
                    answer.logStartOffset = logStartOffset
                case .failed(let error, let message):
                    answer.errorCode = error
                    answer.baseOffset = -1
                    answer.errorMessage = message
                }
            }
        }
    }

    /// Gathers the outcomes of a request's partitions, from whichever storage thread has one.
    private final class Outcomes: Sendable {
        private struct State {
            var outcomes: [[Outcome]]
            var open: Int
        }

        let promise: EventLoopPromise<[[Outcome]]>
        private let state: Mutex<State>

        init(request: ProduceRequest, promise: EventLoopPromise<[[Outcome]]>) {
            let outcomes = request.topicData.map { $0.partitionData.map { _ in Outcome.failed(.unknownServerError) } }
            self.promise = promise
            // One more than there are partitions: taken back by `settled` when all are under way.
            state = Mutex(State(outcomes: outcomes, open: outcomes.reduce(1) { $0 + $1.count }))
        }

        func settle(topic: Int, partition: Int, with outcome: Outcome) {
            finish { $0[topic][partition] = outcome }
        }

        func settled() {
            finish { _ in }
        }

        private func finish(_ change: (inout [[Outcome]]) -> Void) {
            let complete: [[Outcome]]? = state.withLock { state in
                change(&state.outcomes)
                state.open -= 1
                return state.open == 0 ? state.outcomes : nil
            }
            if let complete { promise.succeed(complete) }
        }
    }
}

extension LogError {
    /// What a client is told. A closed log belongs to a deleted topic or a broker that is stopping: the client looks
    /// for the partition anew.
    var clientError: ErrorCode {
        code == .closed ? .notLeaderOrFollower : errorCode
    }
}

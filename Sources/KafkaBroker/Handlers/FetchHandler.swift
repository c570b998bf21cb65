import KafkaLog
import KafkaProtocol
import NIOCore

/// Fetch (1), versions 4 to 17.
///
/// Whole batches, as they are on disk. Waits in memory for `minBytes` up to `maxWaitMs`; an error on any partition is
/// answered at once. The first partition with something new gets at least one batch, however large. Topics by id from
/// version 13; an unknown id is UNKNOWN_TOPIC_ID. Only what is below the high watermark (durable) is returned.
///
/// Fetch sessions (KIP-227) are declined with session id 0, so clients send everything each time, which is legal and,
/// with one broker on a local socket, cheap. A client that insists on a session is told FETCH_SESSION_ID_NOT_FOUND.
///
/// Read committed returns whole batches below the last stable offset, and with them the aborted transactions whose
/// records the client drops (KIP-98).
///
/// Left out: follower fetching, diverging epochs (there is only epoch 0).
enum FetchHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 4...17
    private static let firstVersionWithIDs: Int16 = 13
    static let readCommitted: Int8 = 1

    static func answer(_ request: FetchRequest, in context: RequestContext) -> EventLoopFuture<FetchResponse?> {
        guard request.sessionID == 0 else {
            return context.now(FetchResponse { $0.errorCode = .fetchSessionIDNotFound })
        }
        let plan = Plan(request, in: context)
        let maxBytes = min(Int(request.maxBytes), context.maxFetchBytes)
        // More than fits is never there.
        let minBytes = min(Int(request.minBytes), maxBytes)
        let outcomes = FetchOperation.run(
            plan.reads, limits: FetchOperation.Limits(minBytes: minBytes, maxBytes: maxBytes),
            maxWait: plan.hasFailures ? .zero : .milliseconds(Int64(max(0, request.maxWaitMs))),
            threads: context.core.threads, on: context.eventLoop)
        return outcomes.map { plan.response(with: $0) }
    }

    /// A request's partitions, sorted into those that can be read and those that cannot.
    private struct Plan: Sendable {
        private struct Topic: Sendable {
            var name: String
            var id: KafkaUUID
            var partitions: [(index: Int32, place: Place)]
        }

        private enum Place: Sendable {
            case read(Int)
            case failed(ErrorCode)
        }

        private(set) var reads: [FetchOperation.Read] = []
        private(set) var hasFailures = false
        private var topics: [Topic] = []
        private let isReadCommitted: Bool

        init(_ request: FetchRequest, in context: RequestContext) {
            isReadCommitted = request.isolationLevel == readCommitted
            for wanted in request.topics {
                let byID = context.version >= firstVersionWithIDs
                let topic =
                    byID
                    ? context.core.topics.topic(id: wanted.topicID) : context.core.topics.topic(named: wanted.topic)
                let absent: ErrorCode = byID ? .unknownTopicID : .unknownTopicOrPartition
                var planned = Topic(name: wanted.topic, id: wanted.topicID, partitions: [])
                for partition in wanted.partitions {
                    planned.partitions.append((partition.partition, plan(partition, of: topic, absent: absent)))
                }
                topics.append(planned)
            }
        }

        private mutating func plan(
            _ wanted: FetchRequest.Partition, of topic: KafkaBroker.Topic?, absent: ErrorCode
        ) -> Place {
            var error = topic == nil ? absent : ErrorCode.unknownTopicOrPartition
            if let partition = topic?.partition(wanted.partition) {
                if let epochError = Partition.check(epoch: wanted.currentLeaderEpoch) {
                    error = epochError
                } else {
                    reads.append(
                        FetchOperation.Read(
                            partition: partition, offset: wanted.fetchOffset,
                            maxBytes: Int(max(0, wanted.partitionMaxBytes)), isReadCommitted: isReadCommitted))
                    return .read(reads.count - 1)
                }
            }
            hasFailures = true
            return .failed(error)
        }

        func response(with outcomes: [FetchOperation.Outcome]) -> FetchResponse {
            FetchResponse { response in
                response.responses = topics.map { topic in
                    FetchResponse.Topic { answer in
                        answer.topic = topic.name
                        answer.topicID = topic.id
                        answer.partitions = topic.partitions.map { index, place in
                            switch place {
                            case .read(let number): Self.answer(for: index, outcomes[number])
                            case .failed(let error): Self.answer(for: index, .init(error: error))
                            }
                        }
                    }
                }
            }
        }

        private static func answer(for index: Int32, _ outcome: FetchOperation.Outcome) -> FetchResponse.Partition {
            FetchResponse.Partition { answer in
                answer.partitionIndex = index
                answer.errorCode = outcome.error
                answer.highWatermark = outcome.bounds.highWatermark
                answer.lastStableOffset = outcome.bounds.lastStableOffset
                answer.logStartOffset = outcome.bounds.logStartOffset
                answer.abortedTransactions = outcome.aborted?.sorted { $0.firstOffset < $1.firstOffset }.map {
                    aborted in
                    FetchResponse.AbortedTransaction { entry in
                        entry.producerID = aborted.producerID
                        entry.firstOffset = aborted.firstOffset
                    }
                }
                // Some clients take null records for a broken answer.
                answer.records = outcome.records ?? ByteBuffer()
            }
        }
    }
}

extension Partition {
    /// Whether a client that names the leader epoch it knows may go on; -1 names none.
    static func check(epoch: Int32) -> ErrorCode? {
        if epoch > leaderEpoch { return .unknownLeaderEpoch }
        return epoch >= 0 && epoch < leaderEpoch ? .fencedLeaderEpoch : nil
    }
}

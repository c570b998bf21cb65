import KafkaProtocol
import NIOCore

/// AddPartitionsToTxn (24), versions 0 to 3: one transaction, as clients send it.
///
/// All partitions or none: if one does not exist it is told so, and the others OPERATION_NOT_ATTEMPTED. The answer comes
/// when they are on disk as part of the transaction; only then does a partition take its records.
///
/// Left out: versions 4 and 5, which brokers send to one another.
enum AddPartitionsToTxnHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...3
    private static let firstVersionThatFences: Int16 = 2

    static func answer(
        _ request: AddPartitionsToTxnRequest, in context: RequestContext
    ) -> EventLoopFuture<AddPartitionsToTxnResponse?> {
        let topics = request.v3AndBelowTopics
        let wanted = topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic: topic.name, partition: $0) }
        }
        let absent = Set(
            wanted.filter {
                context.core.topics.partition($0) == nil || TopicName.internal.contains($0.topic)
            })
        guard absent.isEmpty else {
            return context.now(
                response(to: topics) { absent.contains($0) ? .unknownTopicOrPartition : .operationNotAttempted })
        }
        let producer = InternalLog.Producer(id: request.v3AndBelowProducerID, epoch: request.v3AndBelowProducerEpoch)
        return context.core.transactions.add(Set(wanted), to: request.v3AndBelowTransactionalID, by: producer)
            .hop(to: context.eventLoop).map { error in
                response(to: topics) { _ in error.asKnown(to: context, since: firstVersionThatFences) }
            }
    }

    private static func response(
        to topics: [AddPartitionsToTxnRequest.Topic], _ error: (TopicPartition) -> ErrorCode
    ) -> AddPartitionsToTxnResponse {
        AddPartitionsToTxnResponse { response in
            response.resultsByTopicV3AndBelow = topics.map { topic in
                AddPartitionsToTxnResponse.TopicResult { answer in
                    answer.name = topic.name
                    answer.resultsByPartition = topic.partitions.map { index in
                        AddPartitionsToTxnResponse.PartitionResult { answer in
                            answer.partitionIndex = index
                            answer.partitionErrorCode = error(TopicPartition(topic: topic.name, partition: index))
                        }
                    }
                }
            }
        }
    }
}

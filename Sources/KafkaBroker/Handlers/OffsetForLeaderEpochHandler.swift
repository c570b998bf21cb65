import KafkaLog
import KafkaProtocol
import NIOCore

/// OffsetForLeaderEpoch (23), versions 2 to 4.
///
/// There is one leader epoch for good, 0: it ends where the log ends. Later ones, which a client may have from another
/// cluster, are answered with -1 and no error, as by Apache Kafka.
enum OffsetForLeaderEpochHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 2...4

    static func answer(
        _ request: OffsetForLeaderEpochRequest, in context: RequestContext
    ) -> EventLoopFuture<OffsetForLeaderEpochResponse?> {
        let store = context.core.topics
        return context.now(
            OffsetForLeaderEpochResponse { response in
                response.topics = request.topics.map { topic in
                    OffsetForLeaderEpochResponse.Topic { answer in
                        answer.topic = topic.topic
                        answer.partitions = topic.partitions.map { wanted in
                            find(
                                wanted,
                                in: store.partition(TopicPartition(topic: topic.topic, partition: wanted.partition)))
                        }
                    }
                }
            })
    }

    private static func find(
        _ wanted: OffsetForLeaderEpochRequest.Partition, in partition: Partition?
    ) -> OffsetForLeaderEpochResponse.Partition {
        OffsetForLeaderEpochResponse.Partition { answer in
            answer.partition = wanted.partition
            guard let partition else {
                answer.errorCode = .unknownTopicOrPartition
                return
            }
            if let error = Partition.check(epoch: wanted.currentLeaderEpoch) {
                answer.errorCode = error
                return
            }
            guard wanted.leaderEpoch == Partition.leaderEpoch else { return }
            answer.leaderEpoch = Partition.leaderEpoch
            answer.endOffset = partition.log.logEndOffset
        }
    }
}

import KafkaProtocol
import NIOCore

/// OffsetDelete (47), version 0.
///
/// Removes committed offsets of a group; the answer comes when that is durable. While the group has members, offsets of
/// topics that they subscribe to are GROUP_SUBSCRIBED_TO_TOPIC, and those of members that are no consumers NON_EMPTY_GROUP.
/// A partition without a committed offset is no error, one that does not exist UNKNOWN_TOPIC_OR_PARTITION.
enum OffsetDeleteHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0

    static func answer(
        _ request: OffsetDeleteRequest, in context: RequestContext
    ) -> EventLoopFuture<OffsetDeleteResponse?> {
        let topics = context.core.topics
        let wanted = request.topics.flatMap { topic in
            topic.partitions.map { TopicPartition(topic: topic.name, partition: $0.partitionIndex) }
        }
        let known = Set(wanted.filter { topics.partition($0) != nil })
        return context.core.groups.delete(wanted.filter(known.contains), of: request.groupID)
            .hop(to: context.eventLoop).map { deletion in
                OffsetDeleteResponse { response in
                    response.errorCode = deletion.error
                    guard deletion.error == .none else { return }
                    response.topics = request.topics.map { topic in
                        OffsetDeleteResponse.Topic { answer in
                            answer.name = topic.name
                            answer.partitions = topic.partitions.map { partition in
                                OffsetDeleteResponse.Partition { answer in
                                    answer.partitionIndex = partition.partitionIndex
                                    let name = TopicPartition(
                                        topic: topic.name, partition: partition.partitionIndex)
                                    answer.errorCode =
                                        !known.contains(name)
                                        ? .unknownTopicOrPartition
                                        : deletion.subscribed.contains(name) ? .groupSubscribedToTopic : .none
                                }
                            }
                        }
                    }
                }
            }
    }
}

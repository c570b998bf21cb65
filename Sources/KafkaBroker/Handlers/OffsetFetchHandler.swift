import KafkaProtocol
import NIOCore

/// OffsetFetch (9), versions 1 to 9.
///
/// One group up to version 7, several from 8. Null topics (from version 2) ask for everything committed. A partition
/// without a committed offset is answered with -1 and no error, and so is a group that does not exist.
///
/// With `requireStable` (from version 7) a partition whose offset a running transaction may change is answered with
/// UNSTABLE_OFFSET_COMMIT, and the client asks again (KIP-447).
///
/// Left out: member epochs of KIP-848.
enum OffsetFetchHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...9
    private static let firstVersionWithGroups: Int16 = 8

    static func answer(
        _ request: OffsetFetchRequest, in context: RequestContext
    ) -> EventLoopFuture<OffsetFetchResponse?> {
        if context.version >= firstVersionWithGroups {
            let groups = request.groups.map {
                find($0.topics, of: $0.groupID, requiresStable: request.requireStable, in: context)
            }
            return EventLoopFuture.whenAllSucceed(groups, on: context.eventLoop).map { groups in
                OffsetFetchResponse { $0.groups = groups }
            }
        }
        return find(request.topics, of: request.groupID, requiresStable: request.requireStable, in: context).map {
            group in
            OffsetFetchResponse { $0.topics = group.topics }
        }
    }

    private static func find(
        _ wanted: [OffsetFetchRequest.Topic]?, of groupID: String, requiresStable: Bool,
        in context: RequestContext
    ) -> EventLoopFuture<OffsetFetchResponse.Group> {
        let groups = context.core.groups
        let unstable =
            requiresStable ? groups.unstablePartitions(of: groupID) : groups.eventLoop.makeSucceededFuture([])
        return groups.offsets(of: groupID).and(unstable).hop(to: context.eventLoop).map { offsets, unstable in
            OffsetFetchResponse.Group { group in
                group.groupID = groupID
                if let wanted {
                    group.topics = wanted.map { topic in
                        describe(
                            topic.name,
                            topic.partitionIndexes.map {
                                ($0, offsets[TopicPartition(topic: topic.name, partition: $0)])
                            }, unstable)
                    }
                } else {
                    group.topics = offsets.byTopic.map { topic, partitions in
                        describe(topic, partitions.map { ($0.partition, $0.offset) }, unstable)
                    }
                }
            }
        }
    }

    private static func describe(
        _ topic: String, _ partitions: [(Int32, CommittedOffset?)], _ unstable: Set<TopicPartition>
    ) -> OffsetFetchResponse.Topic {
        OffsetFetchResponse.Topic { answer in
            answer.name = topic
            answer.partitions = partitions.map { index, offset in
                OffsetFetchResponse.Partition { answer in
                    answer.partitionIndex = index
                    let isUnstable = unstable.contains(TopicPartition(topic: topic, partition: index))
                    answer.errorCode = isUnstable ? .unstableOffsetCommit : .none
                    let offset = isUnstable ? nil : offset
                    answer.committedOffset = offset?.offset ?? -1
                    answer.committedLeaderEpoch = offset?.leaderEpoch ?? -1
                    answer.metadata = offset?.metadata ?? ""
                }
            }
        }
    }
}

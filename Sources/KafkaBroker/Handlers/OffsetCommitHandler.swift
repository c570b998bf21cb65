import KafkaProtocol
import NIOCore

/// OffsetCommit (8), versions 1 to 9.
///
/// The answer comes when the offsets are on disk; only then does OffsetFetch see them. Partitions that do not exist and
/// metadata beyond `offset.metadata.max.bytes` are refused one by one, everything else of the request is committed.
///
/// Up to version 4 a commit may say for how long it is kept, instead of `offsets.retention.minutes`.
///
/// Left out: member epochs of KIP-848.
enum OffsetCommitHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...9

    static func answer(
        _ request: OffsetCommitRequest, in context: RequestContext
    ) -> EventLoopFuture<OffsetCommitResponse?> {
        let now = context.core.wallClock()
        var offsets: [(TopicPartition, CommittedOffset)] = []
        let refusals = request.topics.map { topic in
            topic.partitions.map { partition -> ErrorCode in
                let wanted = OffsetToCommit(
                    partition: TopicPartition(topic: topic.name, partition: partition.partitionIndex),
                    offset: partition.committedOffset, leaderEpoch: partition.committedLeaderEpoch,
                    metadata: partition.committedMetadata)
                let time = partition.commitTimestamp < 0 ? now : partition.commitTimestamp
                switch wanted.checked(in: context.core, now: time) {
                case .success(var offset):
                    if request.retentionTimeMs >= 0 {
                        offset.expireTimestamp = now + min(request.retentionTimeMs, .max - now)
                    }
                    offsets.append((wanted.partition, offset))
                    return .none
                case .failure(let refusal):
                    return refusal
                }
            }
        }
        let committer = GroupCoordinator.Committer(
            memberID: request.memberID, instanceID: request.groupInstanceID,
            generation: request.generationIDOrMemberEpoch,
            absentGroup: context.version >= 9 ? .groupIDNotFound : .illegalGeneration)
        return context.core.groups.commit(group: request.groupID, as: committer, offsets).hop(to: context.eventLoop)
            .map { outcome in
                OffsetCommitResponse { response in
                    response.topics = zip(request.topics, refusals).map { topic, refusals in
                        OffsetCommitResponse.Topic { answer in
                            answer.name = topic.name
                            answer.partitions = zip(topic.partitions, refusals).map { partition, refusal in
                                OffsetCommitResponse.Partition { answer in
                                    answer.partitionIndex = partition.partitionIndex
                                    let name = TopicPartition(topic: topic.name, partition: answer.partitionIndex)
                                    answer.errorCode =
                                        outcome.error != .none
                                        ? outcome.error
                                        : outcome.gone.contains(name) ? .unknownTopicOrPartition : refusal
                                }
                            }
                        }
                    }
                }
            }
    }
}

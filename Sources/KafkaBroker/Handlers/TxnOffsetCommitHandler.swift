import KafkaProtocol
import NIOCore

/// TxnOffsetCommit (28), versions 0 to 4.
///
/// The offsets are on disk when the answer comes and visible when the transaction is committed. From version 3 a member
/// says who it is, and one that was replaced is refused (KIP-447); without a word about it anybody may commit.
///
/// Left out: version 5 (`transaction.version` 2).
enum TxnOffsetCommitHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    static func answer(
        _ request: TxnOffsetCommitRequest, in context: RequestContext
    ) -> EventLoopFuture<TxnOffsetCommitResponse?> {
        let now = context.core.wallClock()
        var offsets: [(TopicPartition, CommittedOffset)] = []
        let refusals = request.topics.map { topic in
            topic.partitions.map { partition -> ErrorCode in
                let wanted = OffsetToCommit(
                    partition: TopicPartition(topic: topic.name, partition: partition.partitionIndex),
                    offset: partition.committedOffset, leaderEpoch: partition.committedLeaderEpoch,
                    metadata: partition.committedMetadata)
                switch wanted.checked(in: context.core, now: now) {
                case .success(let offset):
                    offsets.append((wanted.partition, offset))
                    return .none
                case .failure(let refusal):
                    return refusal
                }
            }
        }
        let committer = GroupCoordinator.Committer(
            memberID: request.memberID, instanceID: request.groupInstanceID, generation: request.generationID)
        let producer = InternalLog.Producer(id: request.producerID, epoch: request.producerEpoch)
        return context.core.groups.commit(group: request.groupID, as: committer, in: producer, offsets)
            .hop(to: context.eventLoop).map { error in
                TxnOffsetCommitResponse { response in
                    response.topics = zip(request.topics, refusals).map { topic, refusals in
                        TxnOffsetCommitResponse.Topic { answer in
                            answer.name = topic.name
                            answer.partitions = zip(topic.partitions, refusals).map { partition, refusal in
                                TxnOffsetCommitResponse.Partition { answer in
                                    answer.partitionIndex = partition.partitionIndex
                                    answer.errorCode = error == .none ? refusal : error
                                }
                            }
                        }
                    }
                }
            }
    }
}

/// An offset as a client wants it committed.
struct OffsetToCommit {
    var partition: TopicPartition
    var offset: Int64
    var leaderEpoch: Int32
    var metadata: String?

    /// The offset with its topic's id, or why it cannot be committed.
    func checked(in core: BrokerCore, now: Int64) -> Result<CommittedOffset, ErrorCode> {
        guard let topic = core.topics.topic(named: partition.topic), topic.partition(partition.partition) != nil else {
            return .failure(.unknownTopicOrPartition)
        }
        let metadata = metadata ?? ""
        guard metadata.utf8.count <= core.configuration.maxOffsetMetadataBytes else {
            return .failure(.offsetMetadataTooLarge)
        }
        return .success(
            CommittedOffset(
                offset: offset, leaderEpoch: leaderEpoch, metadata: metadata, commitTimestamp: now, topicID: topic.id))
    }
}

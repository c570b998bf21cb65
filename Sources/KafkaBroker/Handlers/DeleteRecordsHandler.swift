import KafkaLog
import KafkaProtocol
import NIOCore

/// DeleteRecords (21), versions 0 to 2.
///
/// Moves the start of a partition's log to an offset, -1 standing for the high watermark; the new start is durable when the
/// answer comes, and segments wholly before it are gone. An offset before the start changes nothing, one behind the high
/// watermark is OFFSET_OUT_OF_RANGE. Topics that are only compacted refuse with POLICY_VIOLATION, the broker's own with
/// INVALID_TOPIC_EXCEPTION.
enum DeleteRecordsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2
    private static let highWatermark: Int64 = -1

    static func answer(
        _ request: DeleteRecordsRequest, in context: RequestContext
    ) -> EventLoopFuture<DeleteRecordsResponse?> {
        let store = context.core.topics
        return context.core.threads.run(on: context.eventLoop) {
            DeleteRecordsResponse { response in
                response.topics = request.topics.map { topic in
                    DeleteRecordsResponse.Topic { answer in
                        answer.name = topic.name
                        answer.partitions = topic.partitions.map { delete($0, of: store.topic(named: topic.name)) }
                    }
                }
            }
        }
    }

    private static func delete(
        _ wanted: DeleteRecordsRequest.Partition, of topic: Topic?
    ) -> DeleteRecordsResponse.Partition {
        DeleteRecordsResponse.Partition { answer in
            answer.partitionIndex = wanted.partitionIndex
            answer.lowWatermark = -1
            guard let topic, let partition = topic.partition(wanted.partitionIndex) else {
                answer.errorCode = .unknownTopicOrPartition
                return
            }
            let log = partition.log
            guard !topic.isInternal else {
                answer.errorCode = .invalidTopic
                return
            }
            guard log.configuration.isDeletable else {
                answer.errorCode = .policyViolation
                return
            }
            guard wanted.offset >= highWatermark else {
                answer.errorCode = .offsetOutOfRange
                return
            }
            do throws(LogError) {
                try log.deleteRecords(before: wanted.offset == highWatermark ? log.highWatermark : wanted.offset)
                answer.lowWatermark = log.logStartOffset
            } catch {
                answer.errorCode = error.clientError
            }
        }
    }
}

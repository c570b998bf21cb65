import KafkaLog
import KafkaProtocol
import NIOCore

/// ListOffsets (2), versions 1 to 10.
///
/// -1 the end (the high watermark; for read committed the last stable offset), -2 the start, -3 the record with the largest
/// timestamp between the two, otherwise the first record at or after the time; offset -1 without an error when there is none. -4 (the
/// earliest local offset) is the start, as nothing is kept elsewhere; -5 (the last tiered offset) is answered with -1.
///
/// Left out: the timeout of version 10, which is for tiered storage.
enum ListOffsetsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...10

    private static let latest: Int64 = -1
    private static let earliest: Int64 = -2
    private static let maxTimestamp: Int64 = -3
    private static let earliestLocal: Int64 = -4

    static func answer(
        _ request: ListOffsetsRequest, in context: RequestContext
    ) -> EventLoopFuture<ListOffsetsResponse?> {
        let store = context.core.topics
        let look: @Sendable () -> ListOffsetsResponse? = {
            ListOffsetsResponse { response in
                response.topics = request.topics.map { topic in
                    ListOffsetsResponse.Topic { answer in
                        answer.name = topic.name
                        answer.partitions = topic.partitions.map { wanted in
                            find(
                                wanted, isReadCommitted: request.isolationLevel == FetchHandler.readCommitted,
                                in: store.partition(TopicPartition(topic: topic.name, partition: wanted.partitionIndex))
                            )
                        }
                    }
                }
            }
        }
        // Both ends are known in memory; only a look-up by time has to read.
        let mustRead = request.topics.contains { topic in
            topic.partitions.contains { $0.timestamp >= 0 || $0.timestamp == maxTimestamp }
        }
        if mustRead { return context.core.threads.run(on: context.eventLoop, look) }
        return context.eventLoop.makeSucceededFuture(look())
    }

    private static func find(
        _ wanted: ListOffsetsRequest.Partition, isReadCommitted: Bool, in partition: Partition?
    ) -> ListOffsetsResponse.Partition {
        ListOffsetsResponse.Partition { answer in
            answer.partitionIndex = wanted.partitionIndex
            guard let partition else {
                answer.errorCode = .unknownTopicOrPartition
                return
            }
            if let error = Partition.check(epoch: wanted.currentLeaderEpoch) {
                answer.errorCode = error
                return
            }
            do throws(LogError) {
                let bounds = partition.log.bounds
                let end = isReadCommitted ? bounds.lastStableOffset : bounds.highWatermark
                try find(wanted.timestamp, in: partition.log, upTo: end, &answer)
            } catch {
                answer.errorCode = error.clientError
            }
        }
    }

    private static func find(
        _ timestamp: Int64, in log: PartitionLog, upTo end: Int64, _ answer: inout ListOffsetsResponse.Partition
    ) throws(LogError) {
        var found: FoundOffset?
        switch timestamp {
        case latest:
            found = FoundOffset(offset: end, timestamp: -1)
        case earliest, earliestLocal:
            found = FoundOffset(offset: log.logStartOffset, timestamp: -1)
        case maxTimestamp:
            found = try log.offsetOfMaxTimestamp(upTo: end)
        case 0...:
            found = try log.offset(forTimestamp: timestamp, upTo: end)
        default:
            break
        }
        guard let found else { return }
        answer.offset = found.offset
        answer.timestamp = found.timestamp
        answer.leaderEpoch = Partition.leaderEpoch
    }
}

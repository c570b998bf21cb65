import KafkaLog
import KafkaProtocol
import NIOCore

/// DescribeLogDirs (35), versions 1 to 4 (KIP-113, KIP-827).
///
/// The one data directory: the size of each partition's log in bytes, and from version 4 the size and the free bytes of the
/// volume. Null topics ask for all; partitions that do not exist are passed over.
enum DescribeLogDirsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...4

    static func answer(
        _ request: DescribeLogDirsRequest, in context: RequestContext
    ) -> EventLoopFuture<DescribeLogDirsResponse?> {
        let store = context.core.topics
        return context.core.threads.run(on: context.eventLoop) {
            DescribeLogDirsResponse { response in
                response.results = [
                    DescribeLogDirsResponse.Result { result in
                        let space = store.files.space(of: store.directory)
                        result.logDir = store.directory
                        result.totalBytes = space?.total ?? -1
                        result.usableBytes = space?.free ?? -1
                        result.topics = topics(request.topics, in: store)
                    }
                ]
            }
        }
    }

    private static func topics(
        _ wanted: [DescribeLogDirsRequest.Topic]?, in store: TopicStore
    ) -> [DescribeLogDirsResponse.Topic] {
        let found: [(name: String, partitions: [Partition])] =
            wanted.map { wanted in
                wanted.compactMap { wanted in
                    store.topic(named: wanted.topic).map { topic in
                        (topic.name, wanted.partitions.compactMap(topic.partition))
                    }
                }
            } ?? store.all.map { ($0.name, $0.partitions) }
        return found.filter { !$0.partitions.isEmpty }.map { name, partitions in
            DescribeLogDirsResponse.Topic { answer in
                answer.name = name
                answer.partitions = partitions.map { partition in
                    DescribeLogDirsResponse.Partition { answer in
                        answer.partitionIndex = partition.name.partition
                        answer.partitionSize = partition.log.size
                    }
                }
            }
        }
    }
}

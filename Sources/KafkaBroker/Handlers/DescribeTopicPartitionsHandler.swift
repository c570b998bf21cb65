import KafkaProtocol
import NIOCore

/// DescribeTopicPartitions (75), version 0 (KIP-966).
///
/// Topics in order of their names, with their partitions, page by page: as many partitions as the request wants, at most
/// 2000 and at least one; the answer says where the next page begins. No names ask for all topics. Nothing is made by
/// asking.
///
/// Left out: authorized operations; eligible leaders that are not in sync (there are none with one broker).
enum DescribeTopicPartitionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0
    private static let maxPartitions: Int32 = 2000

    static func answer(
        _ request: DescribeTopicPartitionsRequest, in context: RequestContext
    ) -> EventLoopFuture<DescribeTopicPartitionsResponse?> {
        let store = context.core.topics
        let names = request.topics.isEmpty ? store.all.map(\.name) : Set(request.topics.map(\.name)).sorted()
        var page = Page(
            room: Int(max(1, min(request.responsePartitionLimit, maxPartitions))),
            node: context.core.configuration.nodeID)
        for name in names {
            var first: Int32 = 0
            if let cursor = request.cursor {
                if name < cursor.topicName { continue }
                if name == cursor.topicName { first = max(0, cursor.partitionIndex) }
            }
            guard page.add(name, store.topic(named: name), from: first) else { break }
        }
        return context.now(page.response)
    }

    /// What fits into one answer.
    private struct Page {
        var response = DescribeTopicPartitionsResponse()
        var room: Int
        let node: Int32

        init(room: Int, node: Int32) {
            self.room = room
            self.node = node
        }

        /// False when the page is full.
        mutating func add(_ name: String, _ topic: Topic?, from first: Int32) -> Bool {
            guard room > 0 else { return end(at: name, first) }
            guard let topic else {
                response.topics.append(
                    DescribeTopicPartitionsResponse.Topic { answer in
                        answer.name = name
                        answer.errorCode = TopicName.fault(in: name) == nil ? .unknownTopicOrPartition : .invalidTopic
                    })
                return true
            }
            let left = topic.partitions.dropFirst(Int(first))
            let described = left.prefix(room)
            response.topics.append(
                DescribeTopicPartitionsResponse.Topic { answer in
                    answer.name = topic.name
                    answer.topicID = topic.id
                    answer.isInternal = topic.isInternal
                    answer.partitions = described.map(describe)
                })
            room -= described.count
            return described.count == left.count || end(at: name, first + Int32(described.count))
        }

        private mutating func end(at topic: String, _ partition: Int32) -> Bool {
            response.nextCursor = DescribeTopicPartitionsResponse.Cursor { cursor in
                cursor.topicName = topic
                cursor.partitionIndex = partition
            }
            return false
        }

        private func describe(_ partition: Partition) -> DescribeTopicPartitionsResponse.Partition {
            DescribeTopicPartitionsResponse.Partition { answer in
                answer.partitionIndex = partition.name.partition
                answer.leaderID = node
                answer.leaderEpoch = Partition.leaderEpoch
                answer.replicaNodes = [node]
                answer.isrNodes = [node]
                answer.eligibleLeaderReplicas = []
                answer.lastKnownElr = []
            }
        }
    }
}

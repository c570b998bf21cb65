import KafkaLog
import KafkaProtocol
import NIOCore

/// DescribeProducers (61), version 0 (KIP-664).
///
/// The idempotent and transactional producers that each partition remembers, in order of their ids: epoch, last sequence,
/// and where their open transaction begins. A producer is forgotten after `producer.id.expiration.ms`.
enum DescribeProducersHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0

    static func answer(
        _ request: DescribeProducersRequest, in context: RequestContext
    ) -> EventLoopFuture<DescribeProducersResponse?> {
        let store = context.core.topics
        return context.core.threads.run(on: context.eventLoop) {
            DescribeProducersResponse { response in
                response.topics = request.topics.map { topic in
                    DescribeProducersResponse.Topic { answer in
                        answer.name = topic.name
                        answer.partitions = topic.partitionIndexes.map { index in
                            describe(index, of: topic.name, in: store)
                        }
                    }
                }
            }
        }
    }

    private static func describe(
        _ index: Int32, of topic: String, in store: TopicStore
    ) -> DescribeProducersResponse.Partition {
        DescribeProducersResponse.Partition { answer in
            answer.partitionIndex = index
            guard let partition = store.partition(TopicPartition(topic: topic, partition: index)) else {
                answer.errorCode = TopicName.fault(in: topic) == nil ? .unknownTopicOrPartition : .invalidTopic
                return
            }
            answer.activeProducers = partition.log.activeProducers.map { producer in
                DescribeProducersResponse.ProducerState { state in
                    state.producerID = producer.id
                    state.producerEpoch = Int32(producer.epoch)
                    state.lastSequence = producer.lastSequence
                    state.lastTimestamp = producer.lastTimestamp
                    state.currentTxnStartOffset = producer.transactionStart ?? -1
                }
            }
        }
    }
}

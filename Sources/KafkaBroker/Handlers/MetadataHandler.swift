import KafkaProtocol
import NIOCore

/// Metadata (3), versions 0 to 13.
///
/// One broker, leader of everything with leader epoch 0. A topic that is asked for by name and does not exist is made if
/// `auto.create.topics.enable` and the request allow it, and the answer waits until it is in service (Apache Kafka
/// answers LEADER_NOT_AVAILABLE and lets the client ask again). Topics by id from version 10; an unknown id is
/// UNKNOWN_TOPIC_ID.
///
/// Left out: authorized operations (there is no authorizer; the field keeps its "not asked for" value).
enum MetadataHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...13

    static func answer(
        _ request: MetadataRequest, in context: RequestContext
    ) -> EventLoopFuture<MetadataResponse?> {
        let store = context.core.topics
        // Version 0 has no null: there an empty array asks for everything.
        guard let wanted = request.topics, context.version > 0 || !wanted.isEmpty else {
            return context.now(response(store.all.map(describe), context))
        }
        let mayCreate = request.allowAutoTopicCreation && context.core.configuration.autoCreateTopics
        let topics = wanted.map { wanted in
            find(wanted, mayCreate: mayCreate, in: context)
        }
        return EventLoopFuture.whenAllSucceed(topics, on: context.eventLoop).map { response($0, context) }
    }

    private static func find(
        _ wanted: MetadataRequest.Topic, mayCreate: Bool, in context: RequestContext
    ) -> EventLoopFuture<MetadataResponse.Topic> {
        let store = context.core.topics
        guard let name = wanted.name else {
            let topic = store.topic(id: wanted.topicID)
            return context.eventLoop.makeSucceededFuture(
                topic.map { describe($0) } ?? failure(.unknownTopicID, name: nil, id: wanted.topicID))
        }
        if let topic = store.topic(named: name) { return context.eventLoop.makeSucceededFuture(describe(topic)) }
        if TopicName.fault(in: name) != nil {
            return context.eventLoop.makeSucceededFuture(failure(.invalidTopic, name: name))
        }
        guard mayCreate, !TopicName.internal.contains(name) else {
            return context.eventLoop.makeSucceededFuture(failure(.unknownTopicOrPartition, name: name))
        }
        let promise = context.eventLoop.makePromise(of: MetadataResponse.Topic.self)
        let specification = TopicSpecification(name: name, partitions: context.core.configuration.defaultPartitions)
        store.create(specification) { result in
            switch result {
            case .success(let topic):
                promise.succeed(describe(topic))
            case .failure(let error):
                // Another request may have made it at the same moment.
                promise.succeed(store.topic(named: name).map(describe) ?? failure(error.code, name: name))
            }
        }
        return promise.futureResult
    }

    private static func failure(
        _ error: ErrorCode, name: String?, id: KafkaUUID = .zero
    ) -> MetadataResponse.Topic {
        MetadataResponse.Topic { topic in
            topic.errorCode = error
            topic.name = name
            topic.topicID = id
        }
    }

    private static func describe(_ topic: Topic) -> MetadataResponse.Topic {
        MetadataResponse.Topic { described in
            described.name = topic.name
            described.topicID = topic.id
            described.isInternal = topic.isInternal
            described.partitions = topic.partitions.map { partition in
                MetadataResponse.Partition { described in
                    described.partitionIndex = partition.name.partition
                    described.leaderEpoch = Partition.leaderEpoch
                }
            }
        }
    }

    private static func response(
        _ topics: [MetadataResponse.Topic], _ context: RequestContext
    ) -> MetadataResponse {
        let node = context.core.configuration.nodeID
        let address = context.core.advertisedAddress(for: context.connection)
        return MetadataResponse { response in
            response.brokers = [
                MetadataResponse.Broker { broker in
                    broker.nodeID = node
                    broker.host = address.host
                    broker.port = Int32(address.port)
                }
            ]
            response.clusterID = context.core.clusterID
            response.controllerID = node
            response.topics = topics
            for topic in response.topics.indices {
                // Before version 12 a name cannot be null.
                if context.version < 12 { response.topics[topic].name = response.topics[topic].name ?? "" }
                for partition in response.topics[topic].partitions.indices {
                    response.topics[topic].partitions[partition].leaderID = node
                    response.topics[topic].partitions[partition].replicaNodes = [node]
                    response.topics[topic].partitions[partition].isrNodes = [node]
                }
            }
        }
    }
}

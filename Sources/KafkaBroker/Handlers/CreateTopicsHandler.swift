import KafkaProtocol
import Logging
import NIOCore

/// CreateTopics (19), versions 0 to 7.
///
/// Partitions -1 take the broker's `num.partitions`; the replication factor is -1 or 1, as there is one broker. An
/// assignment of replicas must name this broker for each partition from 0 on. Properties have Kafka's names and are
/// checked; unknown ones are INVALID_CONFIG. `validateOnly` checks without making. The answer comes when the topic is
/// durable and in service, whatever the request's timeout, and from version 5 on tells the topic's properties (KIP-525).
enum CreateTopicsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...7

    static func answer(
        _ request: CreateTopicsRequest, in context: RequestContext
    ) -> EventLoopFuture<CreateTopicsResponse?> {
        let counts = Dictionary(request.topics.map { ($0.name, 1) }) { $0 + $1 }
        let answers = request.topics.map { wanted -> EventLoopFuture<CreateTopicsResponse.Topic> in
            do throws(TopicError) {
                guard counts[wanted.name] == 1 else {
                    throw TopicError(.invalidRequest, "the request names the topic more than once")
                }
                let specification = try specification(of: wanted, in: context)
                return make(specification, only: request.validateOnly, in: context)
            } catch {
                return context.eventLoop.makeSucceededFuture(failure(wanted.name, error))
            }
        }
        return EventLoopFuture.whenAllSucceed(answers, on: context.eventLoop).map { topics in
            CreateTopicsResponse { $0.topics = topics }
        }
    }

    private static func make(
        _ specification: TopicSpecification, only validate: Bool, in context: RequestContext
    ) -> EventLoopFuture<CreateTopicsResponse.Topic> {
        let store = context.core.topics
        if let refusal = store.refusal(of: specification) {
            return context.eventLoop.makeSucceededFuture(failure(specification.name, refusal))
        }
        if validate { return context.eventLoop.makeSucceededFuture(success(specification, id: .zero, in: context)) }
        let promise = context.eventLoop.makePromise(of: CreateTopicsResponse.Topic.self)
        store.create(specification) { result in
            switch result {
            case .success(let topic): promise.succeed(success(specification, id: topic.id, in: context))
            case .failure(let error): promise.succeed(failure(specification.name, error))
            }
        }
        return promise.futureResult
    }

    private static func specification(
        of wanted: CreateTopicsRequest.Topic, in context: RequestContext
    ) throws(TopicError) -> TopicSpecification {
        if TopicName.internal.contains(wanted.name) {
            throw TopicError(.invalidTopic, "\(wanted.name) is the broker's own")
        }
        let defaults = context.core.configuration.topicDefaults
        let steps = wanted.configs.compactMap { config in
            config.value.map { ConfigurationChange.Step(name: config.name, operation: .set, value: $0) }
        }
        let configuration = try ConfigurationChange(steps: steps).applied(to: [:], by: TopicRules(defaults: defaults))
        for name in configuration.keys { context.core.topics.warnIfWithoutEffect(name, of: wanted.name) }
        let whole = TopicConfiguration(overrides: configuration, defaults: defaults)
        if let conflict = whole.conflict { throw conflict }
        return TopicSpecification(
            name: wanted.name, partitions: try partitions(of: wanted, in: context), configuration: configuration)
    }

    private static func partitions(
        of wanted: CreateTopicsRequest.Topic, in context: RequestContext
    ) throws(TopicError) -> Int32 {
        if !wanted.assignments.isEmpty {
            guard wanted.numPartitions == -1, wanted.replicationFactor == -1 else {
                throw TopicError(.invalidRequest, "either numbers or an assignment of replicas, not both")
            }
            let indexes = wanted.assignments.map(\.partitionIndex).sorted()
            let node = context.core.configuration.nodeID
            guard indexes == Array(0..<Int32(indexes.count)), wanted.assignments.allSatisfy({ $0.brokerIDs == [node] })
            else {
                throw TopicError(
                    .invalidReplicaAssignment, "each partition from 0 on has one replica, on broker \(node)")
            }
            return Int32(indexes.count)
        }
        guard wanted.replicationFactor == -1 || wanted.replicationFactor == 1 else {
            throw TopicError(
                .invalidReplicationFactor,
                "replication factor \(wanted.replicationFactor): there is one broker, so it is 1 (or -1)")
        }
        return wanted.numPartitions == -1 ? context.core.configuration.defaultPartitions : wanted.numPartitions
    }

    private static func success(
        _ specification: TopicSpecification, id: KafkaUUID, in context: RequestContext
    ) -> CreateTopicsResponse.Topic {
        CreateTopicsResponse.Topic { answer in
            answer.name = specification.name
            answer.topicID = id
            answer.errorMessage = nil
            answer.numPartitions = specification.partitions
            answer.replicationFactor = 1
            answer.configs = TopicProperty.all.map { property in
                CreateTopicsResponse.Config { config in
                    let inForce = PropertyInForce(
                        property, overrides: specification.configuration, live: context.core.live)
                    config.name = inForce.name
                    config.value = inForce.values.first?.value
                    config.configSource = (inForce.values.first?.source ?? .builtIn).rawValue
                }
            }
        }
    }

    private static func failure(_ name: String, _ error: TopicError) -> CreateTopicsResponse.Topic {
        CreateTopicsResponse.Topic { answer in
            answer.name = name
            answer.errorCode = error.code
            answer.errorMessage = error.message
            answer.configs = nil
        }
    }
}

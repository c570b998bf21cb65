import KafkaProtocol
import NIOCore

/// CreatePartitions (37), versions 0 to 3.
///
/// Raises the number of a topic's partitions; the answer comes when the new ones are durable and in service, whatever the
/// request's timeout. An assignment of replicas has to name this broker for each new partition. Records that are there
/// stay where they are, so that a key's later ones may go to another partition.
enum CreatePartitionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...3

    static func answer(
        _ request: CreatePartitionsRequest, in context: RequestContext
    ) -> EventLoopFuture<CreatePartitionsResponse?> {
        let counts = Dictionary(request.topics.map { ($0.name, 1) }) { $0 + $1 }
        let node = context.core.configuration.nodeID
        let answers = request.topics.map { wanted -> EventLoopFuture<TopicError?> in
            guard counts[wanted.name] == 1 else {
                return context.eventLoop.makeSucceededFuture(
                    TopicError(.invalidRequest, "the request names the topic more than once"))
            }
            guard wanted.assignments?.allSatisfy({ $0.brokerIDs == [node] }) != false else {
                return context.eventLoop.makeSucceededFuture(
                    TopicError(.invalidReplicaAssignment, "each new partition has one replica, on broker \(node)"))
            }
            let promise = context.eventLoop.makePromise(of: TopicError?.self)
            context.core.topics.addPartitions(
                to: wanted.name, count: wanted.count, assignments: wanted.assignments?.count,
                onlyValidate: request.validateOnly
            ) { promise.succeed($0) }
            return promise.futureResult
        }
        return EventLoopFuture.whenAllSucceed(answers, on: context.eventLoop).map { refusals in
            CreatePartitionsResponse { response in
                response.results = zip(request.topics, refusals).map { topic, refusal in
                    CreatePartitionsResponse.Result { answer in
                        answer.name = topic.name
                        answer.errorCode = refusal?.code ?? .none
                        answer.errorMessage = refusal?.message
                    }
                }
            }
        }
    }
}

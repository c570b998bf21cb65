import KafkaProtocol
import NIOCore

/// DeleteTopics (20), versions 1 to 6.
///
/// By name, from version 6 also by id. The answer comes when the removal is durable; the files go afterwards, and with
/// them what groups have committed for the topic, so that a successor of the same name begins anew.
/// `delete.topic.enable=false` refuses with TOPIC_DELETION_DISABLED.
enum DeleteTopicsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 1...6
    private static let firstVersionWithIDs: Int16 = 6

    static func answer(
        _ request: DeleteTopicsRequest, in context: RequestContext
    ) -> EventLoopFuture<DeleteTopicsResponse?> {
        let wanted =
            context.version >= firstVersionWithIDs
            ? request.topics
            : request.topicNames.map { name in DeleteTopicsRequest.Topic { $0.name = name } }
        let answers = wanted.map { delete($0, in: context) }
        return EventLoopFuture.whenAllSucceed(answers, on: context.eventLoop).map { responses in
            DeleteTopicsResponse { $0.responses = responses }
        }
    }

    private static func delete(
        _ wanted: DeleteTopicsRequest.Topic, in context: RequestContext
    ) -> EventLoopFuture<DeleteTopicsResponse.Topic> {
        let store = context.core.topics
        guard context.core.configuration.deleteTopics else {
            return context.eventLoop.makeSucceededFuture(
                answer(wanted, TopicError(.topicDeletionDisabled, "delete.topic.enable is false")))
        }
        guard let name = wanted.name ?? store.topic(id: wanted.topicID)?.name else {
            return context.eventLoop.makeSucceededFuture(
                answer(wanted, TopicError(.unknownTopicID, "there is no topic with this id")))
        }
        let promise = context.eventLoop.makePromise(of: Result<Topic, TopicError>.self)
        store.delete(name) { promise.succeed($0) }
        return promise.futureResult.flatMap { result in
            switch result {
            case .success(let topic):
                context.core.groups.forget(topic: topic.name, id: topic.id).hop(to: context.eventLoop).map {
                    DeleteTopicsResponse.Topic { answer in
                        answer.name = topic.name
                        answer.topicID = topic.id
                    }
                }
            case .failure(let error):
                context.eventLoop.makeSucceededFuture(answer(wanted, error))
            }
        }
    }

    private static func answer(
        _ wanted: DeleteTopicsRequest.Topic, _ error: TopicError
    ) -> DeleteTopicsResponse.Topic {
        DeleteTopicsResponse.Topic { answer in
            answer.name = wanted.name
            answer.topicID = wanted.topicID
            answer.errorCode = error.code
            answer.errorMessage = error.message
        }
    }
}

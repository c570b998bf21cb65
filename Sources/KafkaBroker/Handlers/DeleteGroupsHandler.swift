import KafkaProtocol
import NIOCore

/// DeleteGroups (42), versions 0 to 2.
///
/// Removes groups without members, with all that they committed; the answer comes when that is durable. One with members
/// is NON_EMPTY_GROUP, one that does not exist GROUP_ID_NOT_FOUND.
enum DeleteGroupsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...2

    static func answer(
        _ request: DeleteGroupsRequest, in context: RequestContext
    ) -> EventLoopFuture<DeleteGroupsResponse?> {
        let errors = request.groupsNames.map { context.core.groups.delete(group: $0).hop(to: context.eventLoop) }
        return EventLoopFuture.whenAllSucceed(errors, on: context.eventLoop).map { errors in
            DeleteGroupsResponse { response in
                response.results = zip(request.groupsNames, errors).map { id, error in
                    DeleteGroupsResponse.Result { answer in
                        answer.groupID = id
                        answer.errorCode = error
                    }
                }
            }
        }
    }
}

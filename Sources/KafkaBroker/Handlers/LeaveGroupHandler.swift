import KafkaProtocol
import NIOCore

/// LeaveGroup (13), versions 0 to 5, of the classic group protocol.
///
/// The sender itself up to version 2, several members from 3, also by instance id alone (an administrator removes a
/// static member).
enum LeaveGroupHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5
    private static let firstVersionWithMembers: Int16 = 3

    static func answer(
        _ request: LeaveGroupRequest, in context: RequestContext
    ) -> EventLoopFuture<LeaveGroupResponse?> {
        let leavers =
            context.version >= firstVersionWithMembers
            ? request.members.map {
                GroupCoordinator.Leaver(memberID: $0.memberID, instanceID: $0.groupInstanceID)
            }
            : [GroupCoordinator.Leaver(memberID: request.memberID)]
        return context.core.groups.leave(group: request.groupID, leavers).hop(to: context.eventLoop).map { result in
            LeaveGroupResponse { response in
                switch result {
                case .failure(let error):
                    response.errorCode = error
                case .success(let errors) where context.version >= firstVersionWithMembers:
                    response.members = zip(leavers, errors).map { leaver, error in
                        LeaveGroupResponse.Member { answer in
                            answer.memberID = leaver.memberID
                            answer.groupInstanceID = leaver.instanceID
                            answer.errorCode = error
                        }
                    }
                case .success(let errors):
                    response.errorCode = errors.first ?? .none
                }
            }
        }
    }
}

import KafkaProtocol
import NIOCore

/// DescribeGroups (15), versions 0 to 6.
///
/// State, protocol and members with their assignments (of a stable group). A group that does not exist is "Dead", from
/// version 6 GROUP_ID_NOT_FOUND as well.
///
/// Left out: authorized operations.
enum DescribeGroupsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...6
    private static let firstVersionThatMissesGroups: Int16 = 6

    static func answer(
        _ request: DescribeGroupsRequest, in context: RequestContext
    ) -> EventLoopFuture<DescribeGroupsResponse?> {
        let groups = request.groups.map { id in
            context.core.groups.group(id).hop(to: context.eventLoop).map { describe(id, $0, context) }
        }
        return EventLoopFuture.whenAllSucceed(groups, on: context.eventLoop).map { groups in
            DescribeGroupsResponse { $0.groups = groups }
        }
    }

    private static func describe(_ id: String, _ group: Group?, _ context: RequestContext)
        -> DescribeGroupsResponse.Group
    {
        DescribeGroupsResponse.Group { answer in
            answer.groupID = id
            answer.groupState = (group?.state ?? .dead).rawValue
            guard let group else {
                guard context.version >= firstVersionThatMissesGroups else { return }
                answer.errorCode = .groupIDNotFound
                answer.errorMessage = "there is no group \(id)"
                return
            }
            answer.protocolType = group.protocolType ?? ""
            answer.protocolData = group.state == .stable ? group.protocolName ?? "" : ""
            answer.members = group.membersInOrder.map { member in
                DescribeGroupsResponse.Member { answer in
                    answer.memberID = member.id
                    answer.groupInstanceID = member.instanceID
                    answer.clientID = member.clientID
                    answer.clientHost = member.clientHost
                    guard group.state == .stable else { return }
                    answer.memberMetadata = ByteBuffer(bytes: member.metadata(of: group.protocolName))
                    answer.memberAssignment = ByteBuffer(bytes: member.assignment)
                }
            }
        }
    }
}

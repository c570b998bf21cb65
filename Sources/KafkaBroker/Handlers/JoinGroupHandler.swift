import KafkaProtocol
import NIOCore

/// JoinGroup (11), versions 0 to 9, of the classic group protocol.
///
/// From version 4 a new dynamic member is first given its id with MEMBER_ID_REQUIRED (KIP-394), from 5 members may be
/// static (KIP-345), from 9 a returning static leader is told to skip the assignment (KIP-814). The answer waits until
/// the generation is complete. Before version 1 the session timeout is also the rebalance timeout.
enum JoinGroupHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...9

    static func answer(
        _ request: JoinGroupRequest, in context: RequestContext
    ) -> EventLoopFuture<JoinGroupResponse?> {
        let join = GroupJoin(
            memberID: request.memberID, instanceID: request.groupInstanceID, clientID: context.header.clientID ?? "",
            clientHost: "/\(context.connection.remote.host)", sessionTimeout: Milliseconds(request.sessionTimeoutMs),
            rebalanceTimeout: Milliseconds(
                context.version >= 1 ? request.rebalanceTimeoutMs : request.sessionTimeoutMs),
            protocolType: request.protocolType,
            protocols: request.protocols.map { offered in
                GroupProtocol(name: offered.name, metadata: Array(offered.metadata.readableBytesView))
            },
            requiresKnownMember: context.version >= 4, canSkipAssignment: context.version >= 9)
        return context.core.groups.join(group: request.groupID, join).hop(to: context.eventLoop).map { joined in
            JoinGroupResponse { response in
                response.errorCode = joined.error
                response.generationID = joined.generation
                response.protocolType = joined.protocolType
                // Before version 7 the name cannot be null.
                response.protocolName = context.version >= 7 ? joined.protocolName : joined.protocolName ?? ""
                response.leader = joined.leader
                response.skipAssignment = joined.skipsAssignment
                response.memberID = joined.memberID
                response.members = joined.members.map { member in
                    JoinGroupResponse.Member { answer in
                        answer.memberID = member.id
                        answer.groupInstanceID = member.instanceID
                        answer.metadata = ByteBuffer(bytes: member.metadata)
                    }
                }
            }
        }
    }
}

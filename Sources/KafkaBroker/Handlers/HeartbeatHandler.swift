import KafkaProtocol
import NIOCore

/// Heartbeat (12), versions 0 to 4, of the classic group protocol.
///
/// REBALANCE_IN_PROGRESS asks the member to join again.
enum HeartbeatHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    static func answer(
        _ request: HeartbeatRequest, in context: RequestContext
    ) -> EventLoopFuture<HeartbeatResponse?> {
        context.core.groups.heartbeat(
            group: request.groupID, memberID: request.memberID, instanceID: request.groupInstanceID,
            generation: request.generationID
        ).hop(to: context.eventLoop).map { error in HeartbeatResponse { $0.errorCode = error } }
    }
}

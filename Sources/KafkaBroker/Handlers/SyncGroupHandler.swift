import KafkaProtocol
import NIOCore

/// SyncGroup (14), versions 0 to 5, of the classic group protocol.
///
/// The leader brings the assignment; it is on disk before any member sees its share.
enum SyncGroupHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5

    static func answer(
        _ request: SyncGroupRequest, in context: RequestContext
    ) -> EventLoopFuture<SyncGroupResponse?> {
        let sync = GroupSync(
            memberID: request.memberID, instanceID: request.groupInstanceID, generation: request.generationID,
            protocolType: request.protocolType, protocolName: request.protocolName,
            assignments: Dictionary(
                request.assignments.map { ($0.memberID, Array($0.assignment.readableBytesView)) },
                uniquingKeysWith: { $1 }))
        return context.core.groups.sync(group: request.groupID, sync).hop(to: context.eventLoop).map { synced in
            SyncGroupResponse { response in
                response.errorCode = synced.error
                response.protocolType = synced.protocolType
                response.protocolName = synced.protocolName
                response.assignment = ByteBuffer(bytes: synced.assignment)
            }
        }
    }
}

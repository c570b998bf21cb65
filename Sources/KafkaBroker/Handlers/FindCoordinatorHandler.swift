import KafkaProtocol
import NIOCore

/// FindCoordinator (10), versions 0 to 6.
///
/// This broker coordinates every group (key type 0) and every transactional id (1). One key up to version 3, several
/// from 4.
///
/// Left out: share groups (2, from version 6): answered with an error.
enum FindCoordinatorHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...6
    private static let firstVersionWithKeys: Int16 = 4
    private static let groupKeyType: Int8 = 0
    private static let transactionKeyType: Int8 = 1

    static func answer(
        _ request: FindCoordinatorRequest, in context: RequestContext
    ) -> EventLoopFuture<FindCoordinatorResponse?> {
        let keys = context.version >= firstVersionWithKeys ? request.coordinatorKeys : [request.key]
        let coordinators = keys.map { find($0, type: request.keyType, in: context) }
        return context.now(
            FindCoordinatorResponse { response in
                response.coordinators = coordinators
                guard let first = coordinators.first else { return }
                response.errorCode = first.errorCode
                response.errorMessage = first.errorMessage
                response.nodeID = first.nodeID
                response.host = first.host
                response.port = first.port
            })
    }

    private static func find(
        _ key: String, type: Int8, in context: RequestContext
    ) -> FindCoordinatorResponse.Coordinator {
        FindCoordinatorResponse.Coordinator { answer in
            answer.key = key
            answer.errorMessage = nil
            guard type == groupKeyType || type == transactionKeyType, !key.isEmpty else {
                answer.nodeID = -1
                answer.port = -1
                answer.errorCode = type == groupKeyType ? .invalidGroupID : .invalidRequest
                return
            }
            let address = context.core.advertisedAddress(for: context.connection)
            answer.nodeID = context.core.configuration.nodeID
            answer.host = address.host
            answer.port = Int32(address.port)
        }
    }
}

import KafkaProtocol
import Logging
import NIOCore

/// InitProducerId (22), versions 0 to 5, for idempotent producers.
///
/// Without a transactional id every call gives a new producer id with epoch 0; ids are reserved on disk in blocks, so
/// none is ever given twice. That holds too for a producer that asks to go on from an id it has (KIP-360): a new id ends
/// the old sequence just as well.
///
/// Left out: transactions. A transactional id is answered with TRANSACTIONAL_ID_AUTHORIZATION_FAILED, which every client
/// takes for final and reports; pretending would cost someone their records.
enum InitProducerIdHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5

    static func answer(
        _ request: InitProducerIdRequest, in context: RequestContext
    ) -> EventLoopFuture<InitProducerIdResponse?> {
        guard request.transactionalID == nil else {
            context.core.logger.warning(
                "refusing a transactional producer: transactions are not supported yet",
                metadata: ["transactional.id": "\(request.transactionalID ?? "")"])
            return context.now(
                InitProducerIdResponse { $0.errorCode = .transactionalIDAuthorizationFailed })
        }
        return context.core.producerIDs.next(on: context.eventLoop).map { id in
            InitProducerIdResponse { answer in
                answer.producerID = id
                answer.producerEpoch = 0
            }
        }.flatMapErrorThrowing { error in
            context.core.logger.error("cannot reserve producer ids", metadata: ["reason": "\(error)"])
            return InitProducerIdResponse { $0.errorCode = .coordinatorNotAvailable }
        }
    }
}

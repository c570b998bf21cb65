import KafkaProtocol
import Logging
import NIOCore

/// InitProducerId (22), versions 0 to 5, for idempotent and transactional producers.
///
/// Without a transactional id every call gives a new producer id with epoch 0; ids are reserved on disk in blocks, so
/// none is ever given twice. That holds too for a producer that asks to go on from an id it has (KIP-360): a new id ends
/// the old sequence just as well.
///
/// With a transactional id the producer gets the next epoch, which fences its predecessor. A transaction that one left
/// open is aborted first; meanwhile the answer is CONCURRENT_TRANSACTIONS, and the client asks again. From version 3 a
/// producer names the id and epoch it has, and is fenced if another came after it (KIP-360).
///
/// Left out: version 6 (two-phase commit of KIP-939).
enum InitProducerIdHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...5
    private static let firstVersionThatFences: Int16 = 4

    static func answer(
        _ request: InitProducerIdRequest, in context: RequestContext
    ) -> EventLoopFuture<InitProducerIdResponse?> {
        guard let id = request.transactionalID else { return answerWithoutTransactions(in: context) }
        let known = InternalLog.Producer(id: request.producerID, epoch: request.producerEpoch)
        guard (known.id >= 0) == (known.epoch >= 0) else {
            return context.now(InitProducerIdResponse { $0.errorCode = .invalidRequest })
        }
        let wanted = TransactionInit(
            timeout: Milliseconds(request.transactionTimeoutMs), known: known.id >= 0 ? known : nil)
        return context.core.transactions.initialise(id, wanted).hop(to: context.eventLoop).map { found in
            InitProducerIdResponse { answer in
                answer.errorCode = found.error.asKnown(to: context, since: firstVersionThatFences)
                answer.producerID = found.producer.id
                answer.producerEpoch = found.producer.epoch
            }
        }
    }

    private static func answerWithoutTransactions(
        in context: RequestContext
    ) -> EventLoopFuture<InitProducerIdResponse?> {
        context.core.producerIDs.next(on: context.eventLoop).map { id in
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

extension ErrorCode {
    /// PRODUCER_FENCED is newer than the requests that meet it: older versions say INVALID_PRODUCER_EPOCH (KIP-588).
    func asKnown(to context: RequestContext, since version: Int16) -> ErrorCode {
        self == .producerFenced && context.version < version ? .invalidProducerEpoch : self
    }
}

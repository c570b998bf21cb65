import KafkaProtocol
import NIOCore

/// EndTxn (26), versions 0 to 4.
///
/// The answer comes when the outcome is decided on disk and every partition has its marker there, so that whoever reads
/// after it sees the outcome and the next transaction can begin at once. If a marker cannot be written the answer comes all
/// the same: what is decided stays decided, and the marker follows.
///
/// Left out: version 5 (`transaction.version` 2).
enum EndTxnHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4
    private static let firstVersionThatFences: Int16 = 2

    static func answer(
        _ request: EndTxnRequest, in context: RequestContext
    ) -> EventLoopFuture<EndTxnResponse?> {
        let producer = InternalLog.Producer(id: request.producerID, epoch: request.producerEpoch)
        return context.core.transactions.end(request.transactionalID, by: producer, isCommit: request.committed)
            .hop(to: context.eventLoop).map { error in
                EndTxnResponse { $0.errorCode = error.asKnown(to: context, since: firstVersionThatFences) }
            }
    }
}

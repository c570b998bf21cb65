import KafkaProtocol
import NIOCore

/// AddOffsetsToTxn (25), versions 0 to 4.
///
/// Adds the log of all groups to the transaction: its marker there decides what TxnOffsetCommit wrote.
enum AddOffsetsToTxnHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4
    private static let firstVersionThatFences: Int16 = 2

    static func answer(
        _ request: AddOffsetsToTxnRequest, in context: RequestContext
    ) -> EventLoopFuture<AddOffsetsToTxnResponse?> {
        guard !request.groupID.isEmpty else {
            return context.now(AddOffsetsToTxnResponse { $0.errorCode = .invalidGroupID })
        }
        let producer = InternalLog.Producer(id: request.producerID, epoch: request.producerEpoch)
        let groups = TopicPartition(topic: TopicName.groups, partition: 0)
        return context.core.transactions.add([groups], to: request.transactionalID, by: producer)
            .hop(to: context.eventLoop).map { error in
                AddOffsetsToTxnResponse { $0.errorCode = error.asKnown(to: context, since: firstVersionThatFences) }
            }
    }
}

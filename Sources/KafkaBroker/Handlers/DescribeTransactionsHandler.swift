import KafkaProtocol
import NIOCore

/// DescribeTransactions (65), version 0 (KIP-664).
///
/// State, producer, timeout, start and partitions of transactional ids; one that is not known is
/// TRANSACTIONAL_ID_NOT_FOUND.
enum DescribeTransactionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...0

    static func answer(
        _ request: DescribeTransactionsRequest, in context: RequestContext
    ) -> EventLoopFuture<DescribeTransactionsResponse?> {
        context.core.transactions.all().hop(to: context.eventLoop).map { known in
            DescribeTransactionsResponse { response in
                response.transactionStates = request.transactionalIDs.map { describe($0, known[$0]) }
            }
        }
    }

    private static func describe(
        _ id: String, _ image: Transaction.Image?
    ) -> DescribeTransactionsResponse.TransactionState {
        DescribeTransactionsResponse.TransactionState { answer in
            answer.transactionalID = id
            guard let image else {
                answer.errorCode = id.isEmpty ? .invalidRequest : .transactionalIDNotFound
                return
            }
            answer.transactionState = image.status.name
            answer.transactionTimeoutMs = Int32(clamping: image.timeout)
            answer.transactionStartTimeMs = image.startTime
            answer.producerID = image.producerID
            answer.producerEpoch = image.epoch
            answer.topics = Dictionary(grouping: image.partitions, by: \.topic).sorted { $0.key < $1.key }.map {
                topic, partitions in
                DescribeTransactionsResponse.Topic { answer in
                    answer.topic = topic
                    answer.partitions = partitions.map(\.partition).sorted()
                }
            }
        }
    }
}

extension Transaction.Status {
    /// Kafka's name for it.
    var name: String {
        switch self {
        case .empty: "Empty"
        case .ongoing: "Ongoing"
        case .prepareCommit: "PrepareCommit"
        case .prepareAbort: "PrepareAbort"
        case .completeCommit: "CompleteCommit"
        case .completeAbort: "CompleteAbort"
        }
    }
}

import KafkaProtocol
import NIOCore

/// ListTransactions (66), versions 0 and 1 (KIP-664, KIP-994).
///
/// All transactional ids, or those in given states, of given producers, and from version 1 with a transaction that runs for
/// longer than a time. States that there are not are named in the answer.
enum ListTransactionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...1
    private static let states: Set<String> = [
        "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
        "PrepareEpochFence",
    ]

    static func answer(
        _ request: ListTransactionsRequest, in context: RequestContext
    ) -> EventLoopFuture<ListTransactionsResponse?> {
        let now = context.core.wallClock()
        return context.core.transactions.all().hop(to: context.eventLoop).map { known in
            ListTransactionsResponse { response in
                response.unknownStateFilters = request.stateFilters.filter { !states.contains($0) }
                response.transactionStates = known.filter { matches($0.value, request, now: now) }
                    .sorted { $0.key < $1.key }.map { id, image in
                        ListTransactionsResponse.TransactionState { answer in
                            answer.transactionalID = id
                            answer.producerID = image.producerID
                            answer.transactionState = image.status.name
                        }
                    }
            }
        }
    }

    private static func matches(
        _ image: Transaction.Image, _ request: ListTransactionsRequest, now: Milliseconds
    ) -> Bool {
        if !request.producerIDFilters.isEmpty, !request.producerIDFilters.contains(image.producerID) { return false }
        if !request.stateFilters.isEmpty, !request.stateFilters.contains(image.status.name) { return false }
        guard request.durationFilter >= 0 else { return true }
        return image.startTime >= 0 && now - image.startTime > request.durationFilter
    }
}

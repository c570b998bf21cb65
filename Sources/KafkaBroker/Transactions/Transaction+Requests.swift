import KafkaProtocol

/// A producer with a transactional id introduces itself (InitProducerId without its wire form).
struct TransactionInit: Sendable {
    var timeout: Milliseconds
    /// What it has from an earlier time and wants to go on with (KIP-360).
    var known: InternalLog.Producer?
}

extension Transaction {
    /// Whether an introduction needs a producer id that nobody has.
    var needsProducerID: Bool { image.producerID < 0 || image.epoch >= Self.lastEpoch }

    /// A producer introduces itself: it gets a higher epoch, and what an earlier one left open is aborted first.
    ///
    /// `freshID` is taken when `needsProducerID` says so.
    mutating func initialise(
        _ request: TransactionInit, freshID: Int64?, ticket: TransactionTicket, now: Milliseconds
    ) -> [TransactionEffect] {
        guard request.timeout > 0, request.timeout <= limits.maxTimeout else {
            return refuse(ticket, .invalidTransactionTimeout)
        }
        if transition != nil { return refuse(ticket, .concurrentTransactions) }
        if let known = request.known, image.producerID >= 0 {
            // It may have missed the answer that gave it the current epoch.
            let isCurrent = known == image.producer
            let isRetry = known.id == image.producerID && image.lastEpoch >= 0 && known.epoch == image.lastEpoch
            guard isCurrent || isRetry else { return refuse(ticket, .producerFenced) }
            if isRetry, status == .empty {
                return [.answer(ticket, TransactionAnswer(producer: image.producer))]
            }
        }
        switch status {
        case .prepareCommit, .prepareAbort:
            return refuse(ticket, .concurrentTransactions)
        case .ongoing:
            return fence(now: now) + refuse(ticket, .concurrentTransactions)
        case .empty, .completeCommit, .completeAbort:
            break
        }
        var next = Image(timeout: request.timeout, lastUpdate: now)
        if needsProducerID {
            guard let freshID else { return refuse(ticket, .coordinatorNotAvailable) }
            next.producerID = freshID
            next.epoch = 0
        } else {
            next.producerID = image.producerID
            next.epoch = image.epoch + 1
            next.lastEpoch = image.epoch
        }
        return begin(next, ticket: ticket)
    }

    /// Adds partitions to the running transaction, or begins one with them.
    mutating func add(
        _ partitions: Set<TopicPartition>, by producer: InternalLog.Producer, ticket: TransactionTicket,
        now: Milliseconds
    ) -> [TransactionEffect] {
        if let error = refusal(of: producer) { return refuse(ticket, error) }
        guard !status.isDeciding else { return refuse(ticket, .concurrentTransactions) }
        if status == .ongoing, image.partitions.isSuperset(of: partitions) {
            return [.answer(ticket, TransactionAnswer(producer: image.producer))]
        }
        var next = image
        next.lastEpoch = -1
        next.lastUpdate = now
        if status != .ongoing {
            next.status = .ongoing
            next.startTime = now
            next.partitions = []
        }
        next.partitions.formUnion(partitions)
        return begin(next, ticket: ticket)
    }

    /// Commits or aborts the running transaction. The answer comes when its markers are there, so that the next one can
    /// begin at once.
    mutating func end(
        isCommit: Bool, by producer: InternalLog.Producer, ticket: TransactionTicket, now: Milliseconds
    ) -> [TransactionEffect] {
        if let error = refusal(of: producer) { return refuse(ticket, error) }
        switch (status, isCommit) {
        case (.ongoing, _):
            var next = image
            next.status = isCommit ? .prepareCommit : .prepareAbort
            next.lastUpdate = now
            return begin(next, ticket: ticket)
        case (.completeCommit, true), (.completeAbort, false):
            return [.answer(ticket, TransactionAnswer(producer: image.producer))]
        case (.prepareCommit, true), (.prepareAbort, false):
            return refuse(ticket, .concurrentTransactions)
        default:
            return refuse(ticket, .invalidTxnState)
        }
    }

    /// Why a producer may not do anything here, or not now.
    private func refusal(of producer: InternalLog.Producer) -> ErrorCode? {
        guard image.producerID == producer.id, image.producerID >= 0 else { return .invalidProducerIDMapping }
        guard image.epoch == producer.epoch else { return .producerFenced }
        return transition == nil ? nil : .concurrentTransactions
    }

    private func refuse(_ ticket: TransactionTicket, _ error: ErrorCode) -> [TransactionEffect] {
        [.answer(ticket, TransactionAnswer(error: error))]
    }
}

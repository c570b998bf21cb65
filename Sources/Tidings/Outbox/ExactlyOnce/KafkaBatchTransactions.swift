import KafkaClient
import Logging

/// A transactional producer for each shard, whose id is the shard's, and an offset for each topic of a batch.
///
/// Kafka takes an offset only of a partition that it knows: the batch's number is committed for partition 0 of each topic
/// that the batch writes to. A topic that is deleted takes its offset with it, and its records.
struct KafkaBatchTransactions: BatchTransactions {
    let kafka: KafkaConfiguration
    let timeout: Duration
    let logger: Logger

    func open(_ source: StampSource) async throws -> any BatchChannel {
        let name = "tidings-outbox-\(source.outbox)-\(source.shard)"
        var configuration = TransactionalProducerConfiguration(kafka, transactionalID: name)
        configuration.transactionTimeout = timeout
        configuration.sending.unknownTopicTimeout = ProducerConfiguration.relay(kafka).unknownTopicTimeout
        do {
            let producer = try TransactionalProducer(configuration, logger: logger)
            try await producer.start(timeout: timeout)
            return Channel(producer: producer, group: name, kafka: kafka, logger: logger)
        } catch let error as KafkaError {
            throw SendFailure(passing: error)
        }
    }

    private struct Channel: BatchChannel {
        let producer: TransactionalProducer
        let group: String
        let kafka: KafkaConfiguration
        let logger: Logger

        func lastCommitted(to topics: Set<String>) async throws -> Int64? {
            do {
                // Only a stable offset will do: a commit that is decided may not have reached the group yet.
                let admin = try Admin(kafka, logger: logger)
                let offsets = try await admin.committedOffsets(
                    ofGroup: group, partitions: topics.map { TopicPartition($0, 0) }, isStable: true)
                return offsets.values.max()
            } catch let error as KafkaError {
                throw SendFailure(passing: error)
            }
        }

        func commit(
            _ records: [EventRecord], with patience: RelayPatience, as batch: Int64, committing: @Sendable () -> Void
        ) async throws -> [Int: SendFailure] {
            let numbers = Dictionary(
                records.lazy.map { (TopicPartition($0.topic, 0), batch) }, uniquingKeysWith: { number, _ in number })
            do {
                try await producer.transaction { transaction in
                    for portion in patience.portions(of: records) {
                        let reports = try await transaction.send(records[portion].map(\.message))
                        let outcomes = patience.judge(reports.map(SendOutcome.init), of: records[portion])
                        if reports.firstFailure != nil { throw try Refusals(outcomes, from: portion.lowerBound) }
                    }
                    try await transaction.sendOffsets(numbers, ofGroup: group)
                    committing()
                }
                return [:]
            } catch let refusals as Refusals {
                return refusals.reasons
            } catch let error as KafkaError {
                throw SendFailure(passing: error)
            } catch let doubt as TransactionInDoubt {
                throw SendFailure(message: "\(doubt)", isRetriable: true)
            }
        }
    }

    /// What Kafka refuses of a batch.
    private struct Refusals: Error {
        var reasons: [Int: SendFailure] = [:]

        /// - Throws: the first failure that is none of a record's own, when all are of that kind.
        init(_ outcomes: [SendOutcome], from first: Int) throws {
            var other: SendFailure?
            for (place, outcome) in outcomes.enumerated() {
                guard let failure = outcome.failure else { continue }
                if failure.mayBeOut { other = other ?? failure } else { reasons[first + place] = failure }
            }
            if reasons.isEmpty, var other {
                // Of the channel: another may do better, even where this one can do no more.
                (other.isRetriable, other.isFatal) = (true, false)
                throw other
            }
        }
    }
}

extension SendFailure {
    /// A failure of the channel: another may do better, even where this one can do no more.
    fileprivate init(passing error: KafkaError) {
        self.init(message: error.description, isRetriable: true)
    }
}

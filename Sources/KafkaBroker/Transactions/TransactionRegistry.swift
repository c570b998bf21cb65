import KafkaLog
import KafkaProtocol
import Synchronization

/// What partitions know of running transactions: which producer may add to one, and where.
///
/// A partition asks for every transactional batch, at the moment at which it would be appended. The coordinator closes an
/// entry before it has the markers written; as both go through the partition's mailbox, nothing of a transaction ever
/// lands behind its marker, where it would stay undecided for good.
final class TransactionRegistry: Sendable {
    private struct Entry {
        var epoch: Int16
        var partitions: Set<TopicPartition>
    }

    /// By producer id.
    private let entries = Mutex<[Int64: Entry]>([:])

    /// Says where a producer's running transaction is; nowhere while none is running.
    func set(_ producer: InternalLog.Producer, partitions: Set<TopicPartition>) {
        entries.withLock { $0[producer.id] = Entry(epoch: producer.epoch, partitions: partitions) }
    }

    /// Forgets a producer id that is not used any more.
    func remove(producerID: Int64) {
        _ = entries.withLock { $0.removeValue(forKey: producerID) }
    }

    /// Why a producer may not add to a transaction in a partition; nil when it may.
    func refusal(producerID: Int64, epoch: Int16, in partition: TopicPartition) -> LogError? {
        entries.withLock { entries in
            guard let entry = entries[producerID] else {
                return LogError(.invalidTransaction, "producer \(producerID) is nobody's with a transactional id")
            }
            guard epoch == entry.epoch else {
                return LogError(
                    .invalidProducerEpoch, "producer \(producerID), epoch \(epoch) was replaced by epoch \(entry.epoch)"
                )
            }
            guard entry.partitions.contains(partition) else {
                return LogError(
                    .invalidTransaction,
                    "producer \(producerID) has no running transaction in \(partition.topic)-\(partition.partition)")
            }
            return nil
        }
    }
}

import KafkaClient
import Synchronization

/// What a view does with each record, by the name of the event's type.
final class FoldTable<State>: Sendable {
    typealias Fold = @Sendable (inout State, Delivery, CodecTable) throws -> Void
    typealias RecordFold = @Sendable (inout State, ConsumerRecord) throws -> Void

    struct Folds: Sendable {
        fileprivate(set) var byType: [String: Fold] = [:]
        fileprivate(set) var deletion: Fold?
        fileprivate(set) var record: RecordFold?

        /// Folds one record: by its type, or as a deletion when it has a key and no value, or else as a plain record.
        ///
        /// - Parameter tracker: knows which events were here already; plain records are what stands in the log.
        func apply(
            _ record: ConsumerRecord, in partition: TopicPartition, to state: inout State,
            _ tracker: inout HistoryTracker, _ codecs: CodecTable
        ) throws {
            guard let (fold, delivery) = eventFold(of: record, codecs.versions) else {
                try self.record?(&state, record)
                return
            }
            if tracker.isNew(record, in: partition) { try fold(&state, delivery, codecs) }
        }

        private func eventFold(of record: ConsumerRecord, _ versions: EventVersions) -> (Fold, Delivery)? {
            guard !byType.isEmpty || deletion != nil else { return nil }
            let delivery = Delivery(record)
            if let type = delivery.type, let fold = fold(of: type, versions) { return (fold, delivery) }
            guard let deletion, delivery.value == nil, delivery.key != nil else { return nil }
            return (deletion, delivery)
        }

        private func fold(of type: String, _ versions: EventVersions) -> Fold? {
            byType[type] ?? versions.names(from: type).lazy.compactMap { byType[$0] }.first
        }
    }

    private let state = Mutex(Folds())

    var folds: Folds { state.withLock { $0 } }

    func add(_ type: String, _ fold: @escaping Fold) { state.withLock { $0.byType[type] = fold } }
    func setDeletion(_ fold: @escaping Fold) { state.withLock { $0.deletion = fold } }
    func setRecord(_ fold: @escaping RecordFold) { state.withLock { $0.record = fold } }
}

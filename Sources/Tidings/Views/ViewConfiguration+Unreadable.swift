import KafkaClient
import Logging

extension ViewConfiguration {
    /// Says what becomes of a record that cannot be decoded.
    ///
    /// - Throws: ``TidingsError/Code/cannotDecode``, unless such records are skipped.
    func unreadable(
        _ record: ConsumerRecord, _ error: TidingsError, by view: String, _ metrics: ViewMetrics, _ logger: Logger
    ) throws {
        let place = RecordPlace(topic: record.topic, partition: record.partition, offset: record.offset)
        guard onUnreadable == .skip else {
            throw TidingsError(
                .cannotDecode,
                "the view \(view) cannot read the record \(place). Mend its type, or set onUnreadable to .skip",
                cause: error)
        }
        metrics.unreadable()
        logger.error("a view goes on without a record", metadata: ["record": "\(place)", "error": "\(error)"])
    }
}

extension TidingsError {
    static func notReady(_ view: String, _ remaining: Int64) -> TidingsError {
        TidingsError(
            .viewNotReady, "the view \(view) still reads history: \(remaining) offsets are ahead", isRetriable: true)
    }
}

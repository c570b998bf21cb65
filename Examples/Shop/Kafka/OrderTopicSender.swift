import KafkaClient
import Tidings

/// Sends to the topic once it is sure to be there.
struct OrderTopicSender: RecordSender {
    let topic: OrderTopic
    let producer: Producer

    func send(_ records: [EventRecord]) async throws -> [SendOutcome] {
        do {
            try await topic.ensure()
        } catch let error as KafkaError {
            // Whatever keeps the topic from being made, it is no fault of the records: they wait.
            let failure = SendFailure(message: error.description, isRetriable: true)
            return records.map { _ in .failed(failure) }
        }
        return try await producer.send(records)
    }
}

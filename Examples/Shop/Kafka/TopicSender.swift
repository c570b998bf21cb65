import KafkaClient
import Tidings

/// Sends once the topics are sure to be there.
struct TopicSender: RecordSender {
    let topics: ShopTopics
    let producer: Producer

    func send(_ records: [EventRecord]) async throws -> [SendOutcome] {
        do {
            try await topics.ensure()
        } catch let error as KafkaError {
            // Whatever keeps a topic from being made, it is no fault of the records: they wait.
            let failure = SendFailure(message: error.description, isRetriable: true)
            return records.map { _ in .failed(failure) }
        }
        return try await producer.send(records)
    }
}

import KafkaProtocol
import Logging

/// More partitions for a topic.
extension TopicStore {
    /// Raises the number of a topic's partitions. `completion` is called once, on a storage thread, when the new ones are
    /// durable and in service, with the reason if nothing has changed.
    func addPartitions(
        to name: String, count: Int32, assignments: Int?, onlyValidate: Bool,
        completion: @escaping @Sendable (TopicError?) -> Void
    ) {
        changes.submit {
            do throws(TopicError) {
                try self.addPartitionsNow(to: name, count: count, assignments: assignments, onlyValidate: onlyValidate)
                completion(nil)
            } catch {
                completion(error)
            }
        }
    }

    private func addPartitionsNow(
        to name: String, count: Int32, assignments: Int?, onlyValidate: Bool
    ) throws(TopicError) {
        try checkOpen()
        guard let topic = topic(named: name) else {
            throw TopicError(.unknownTopicOrPartition, "there is no topic \(name)")
        }
        guard !topic.isInternal else { throw TopicError(.invalidRequest, "\(name) is the broker's own") }
        let present = Int32(topic.partitions.count)
        guard count > present else {
            throw TopicError(.invalidPartitions, "\(name) has \(present) partitions; \(count) are not more")
        }
        if let refusal = refusal(ofMore: count - present) { throw refusal }
        if let assignments, assignments != Int(count - present) {
            throw TopicError(
                .invalidReplicaAssignment, "\(count - present) partitions more, and \(assignments) assignments")
        }
        if onlyValidate { return }
        let entry = MetadataImage.Topic(
            name: name, id: topic.id, partitions: count, configuration: topic.configuration)
        do {
            let logs = try makeLogs(of: entry, from: present)
            do {
                try replace(entry)
            } catch {
                removeRemains(of: entry, from: present)
                throw error
            }
            publish(entry, logs: logs, behind: topic.partitions)
        } catch {
            throw error as? TopicError ?? refused(entry, error)
        }
        logger.info("added partitions", metadata: ["topic": "\(name)", "partitions": "\(count)"])
    }
}

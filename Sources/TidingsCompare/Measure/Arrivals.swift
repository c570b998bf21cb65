import KafkaClient
import Logging
import Synchronization
import Tidings
import TidingsAudit

/// A consumer that notes when it has each event, and waits for the last.
final class Arrivals: Sendable {
    private struct State {
        /// By the event's number: nanoseconds; 0 while it is not there.
        var seen: [Int64] = []
        var count = 0
        /// The partitions that are being read.
        var partitions: Set<Int32> = []
        var awaited: (isThere: @Sendable (State) -> Bool, continuation: CheckedContinuation<Void, Never>)?

        mutating func note(_ number: Int, at time: Int64) {
            if number >= seen.count { seen += Array(repeating: 0, count: number + 1 - seen.count) }
            guard seen[number] == 0 else { return }
            seen[number] = time
            count += 1
        }

        mutating func wakeIfComplete() {
            if let awaited, awaited.isThere(self) {
                awaited.continuation.resume()
                self.awaited = nil
            }
        }
    }

    private let consumer: Consumer
    private let state = Mutex(State())

    /// A consumer of all of a topic.
    init(of topic: String, partitions: Int32, kafka: String) throws {
        let kafka = SubjectKafka.at(kafka)
        var configuration = ConsumerConfiguration(kafka, groupID: kafka.clientID)
        configuration.reportsEnds = true
        let all = (0..<partitions).map { (TopicPartition(topic, $0), StartOffset.beginning) }
        consumer = try Consumer(
            configuration, partitions: Dictionary(uniqueKeysWithValues: all),
            logger: Logger(label: "arrivals") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Makes a stage's topic, and runs `body` with a consumer that reads all its partitions by then: Kafka's client asks
    /// a leader that it does not know yet again after half a second, which is nobody's way of sending.
    static func during<R: Sendable>(
        _ stage: Stage, partitions: Int32, _ body: @escaping @Sendable (Arrivals) async throws -> R
    ) async throws -> R {
        let logger = Logger(label: "arrivals") { _ in SwiftLogNoOpLogHandler() }
        let admin = try Admin(SubjectKafka.at(stage.kafka), logger: logger)
        try await admin.createTopics([TopicSpecification(stage.topic, partitions: partitions)])
        let arrivals = try Arrivals(of: stage.topic, partitions: partitions, kafka: stage.kafka)
        return try await withCompanion {
            await arrivals.wait { $0.partitions.count == partitions }
            return try await body(arrivals)
        } companion: {
            try await arrivals.run()
        }
    }

    /// When each event came, by its number; 0 for those that have not come.
    var times: [Int64] { state.withLock { $0.seen } }

    /// Reads until it is cancelled.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [consumer] in try await consumer.run() }
            group.addTask { [self] in
                for try await batch in consumer.batches {
                    let now = monotonicNanoseconds()
                    let numbers = batch.compactMap(Self.number)
                    state.withLock { state in
                        state.partitions.insert(batch.partition.partition)
                        for number in numbers { state.note(number, at: now) }
                        state.wakeIfComplete()
                    }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Waits until so many different events have come.
    func wait(for count: Int) async {
        await wait { $0.count >= count }
    }

    private func wait(until isThere: @escaping @Sendable (State) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    let isCancelled = Task.isCancelled
                    state.awaited = ({ isCancelled || isThere($0) }, continuation)
                    state.wakeIfComplete()
                }
            }
        } onCancel: {
            state.withLock { state in
                state.awaited?.isThere = { _ in true }
                state.wakeIfComplete()
            }
        }
    }

    private static func number(_ record: ConsumerRecord) -> Int? {
        guard let header = record.headers.first(where: { $0.name == "ce_id" }), let value = header.value else {
            return nil
        }
        return LoadLog.number(EventID(String(decoding: value, as: UTF8.self)))
    }
}

import Synchronization

/// What a relay tolerates before it parks an event that Kafka does not take: a topic that is missing, or the right to it, may be
/// seen to; and what is too large together may go in smaller portions, since Kafka's limit is one for batches.
final class RelayPatience: Sendable {
    private struct State {
        var topics: TopicPatience
        var portion = PortionSize()
    }

    private let limit: Duration
    private let elapsed: @Sendable () -> Duration
    private let state: Mutex<State>

    /// - Parameters:
    ///   - limit: how long a topic may be refused.
    ///   - pause: how far apart two attempts may be.
    ///   - elapsed: the time.
    init(_ limit: Duration, pause: Duration, elapsed: @escaping @Sendable () -> Duration) {
        self.limit = limit
        self.elapsed = elapsed
        state = Mutex(State(topics: TopicPatience(memory: max(.seconds(60), pause * 3))))
    }

    /// As a relay's configuration says.
    convenience init(_ configuration: OutboxRelayConfiguration, elapsed: @escaping @Sendable () -> Duration) {
        self.init(configuration.topicPatience, pause: configuration.backoff.longest, elapsed: elapsed)
    }

    /// What is to be sent together, one portion after the other.
    func portions(of records: [EventRecord]) -> [Range<Int>] {
        let size = state.withLock { $0.portion.count }
        guard let size, size < records.count else { return records.isEmpty ? [] : [0..<records.count] }
        return stride(from: 0, to: records.count, by: size).map { $0..<min($0 + size, records.count) }
    }

    /// Takes note of what became of a portion.
    ///
    /// - Returns: the outcomes, in which what is tolerated is to be tried again.
    func judge(_ outcomes: [SendOutcome], of records: ArraySlice<EventRecord>) -> [SendOutcome] {
        state.withLock { state in
            let faults = Set(outcomes.lazy.compactMap(\.failure?.fault))
            state.portion.came(records.count, isTooLarge: faults.contains(.size))
            if faults.isEmpty, state.topics.isEmpty { return outcomes }
            return zip(outcomes, records).map { outcome, record in
                switch outcome {
                case .sent:
                    state.topics.took(record.topic)
                    return outcome
                case .failed(var failure):
                    switch failure.fault {
                    case .topic:
                        failure.isRetriable = state.topics.refused(record.topic, at: elapsed()) < limit
                    case .size:
                        failure.isRetriable = records.count > 1
                    default: break
                    }
                    return .failed(failure)
                }
            }
        }
    }
}

/// Since when Kafka has refused topics.
struct TopicPatience {
    /// Refusals that are so far apart have nothing to do with each other.
    private let memory: Duration

    private var refusals: [String: (first: Duration, last: Duration)] = [:]

    init(memory: Duration) {
        self.memory = memory
    }

    var isEmpty: Bool { refusals.isEmpty }

    /// Kafka takes the topic.
    mutating func took(_ topic: String) {
        refusals[topic] = nil
    }

    /// Kafka refuses the topic.
    ///
    /// - Returns: for how long it has done so.
    mutating func refused(_ topic: String, at time: Duration) -> Duration {
        let known = refusals[topic].flatMap { time - $0.last < memory ? $0.first : nil }
        refusals[topic] = (known ?? time, time)
        return time - (known ?? time)
    }
}

/// How many records go together: half as many each time Kafka finds them too large together, and more again after a while, or
/// once the one is found that is too large by itself.
struct PortionSize {
    private static let longestClean = 1000
    private static let largest = 10_000

    /// At most so many; nil is all there are.
    private(set) var count: Int?

    private var clean = 0

    /// A portion was sent.
    mutating func came(_ size: Int, isTooLarge: Bool) {
        if isTooLarge {
            (count, clean) = (size == 1 ? nil : size / 2, 0)
        } else if let limit = count {
            clean += 1
            guard clean == Self.longestClean else { return }
            (count, clean) = (limit * 2 < Self.largest ? limit * 2 : nil, 0)
        }
    }
}

import Synchronization

/// What a relay tolerates before it parks an event that Kafka does not take: a topic that is missing, or the right to it, may be
/// seen to; and what is too large together may go in smaller portions, since Kafka's limit is one for batches.
final class RelayPatience: Sendable {
    private struct State {
        var topics: TopicPatience
        var portions = Portions()
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
        state.withLock { $0.portions.divide(records.lazy.map(\.topic)) }
    }

    /// Takes note of what became of a portion.
    ///
    /// - Returns: the outcomes, in which what is tolerated is to be tried again.
    func judge(_ outcomes: [SendOutcome], of records: ArraySlice<EventRecord>) -> [SendOutcome] {
        state.withLock { state in
            let failed = zip(outcomes, records).filter { $0.0.failure != nil }
            if failed.isEmpty, state.topics.isEmpty, state.portions.isEmpty { return outcomes }
            let counts = Dictionary(records.lazy.map { ($0.topic, 1) }, uniquingKeysWith: +)
            state.portions.came(counts, tooLarge: Set(failed.filter { $0.0.failure?.fault == .size }.map(\.1.topic)))
            return zip(outcomes, records).map { outcome, record in
                guard case .failed(var failure) = outcome else {
                    state.topics.took(record.topic)
                    return outcome
                }
                switch failure.fault {
                case .topic: failure.isRetriable = state.topics.refused(record.topic, at: elapsed()) < limit
                case .size: failure.isRetriable = counts[record.topic] ?? 1 > 1
                default: break
                }
                return .failed(failure)
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

/// How many records of a topic go together: half as many each time Kafka finds them too large together, and more again after a
/// while, or once the one is found that is too large by itself.
struct Portions {
    private static let longestClean = 1000
    private static let largest = 10_000

    private struct Size {
        /// At most so many.
        var count: Int
        /// So many portions were not too large since.
        var clean = 0
    }

    /// By topic; where there is none, all that there are go together.
    private var sizes: [String: Size] = [:]

    var isEmpty: Bool { sizes.isEmpty }

    /// Divides records of these topics, in their order.
    func divide(_ topics: some Sequence<String>) -> [Range<Int>] {
        var portions: [Range<Int>] = []
        var (start, end) = (0, 0)
        var counts: [String: Int] = [:]
        for topic in topics {
            if let size = sizes[topic] {
                if counts[topic] == size.count {
                    portions.append(start..<end)
                    (start, counts) = (end, [:])
                }
                counts[topic, default: 0] += 1
            }
            end += 1
        }
        return start < end ? portions + [start..<end] : portions
    }

    /// A portion was sent, with so many records of each topic.
    mutating func came(_ counts: [String: Int], tooLarge: Set<String>) {
        for (topic, count) in counts {
            if tooLarge.contains(topic) {
                sizes[topic] = count == 1 ? nil : Size(count: count / 2)
            } else if var size = sizes[topic] {
                size.clean += 1
                if size.clean == Self.longestClean { size = Size(count: size.count * 2) }
                sizes[topic] = size.count < Self.largest ? size : nil
            }
        }
    }
}

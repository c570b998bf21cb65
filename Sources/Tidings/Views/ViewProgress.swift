import KafkaClient

/// How far a ``View`` has come with reading history.
public struct ViewProgress: Hashable, Sendable {
    /// How many records it has folded since it was started, the live ones included.
    public var records: Int64 = 0

    /// How many offsets lay before it when it started reading: from its snapshot, or the beginning, to the ends as they
    /// were then. Offsets are counted, since nobody knows how many of them compaction has left records at.
    public var total: Int64 = 0

    /// How many of those are still ahead; 0 once it is ready.
    public var remaining: Int64 = 0

    /// How long it took to become ready or, before that, how long it has been reading.
    public var elapsed: Duration = .zero

    /// Whether it holds everything that was there when it started; from then on it stays live.
    public var isReady = false

    /// How much of the way is done, from 0 to 1.
    public var fraction: Double { isReady ? 1 : total > 0 ? Double(total - remaining) / Double(total) : 0 }

    /// Offsets a second, on the way to being ready.
    public var rate: Double {
        let seconds = elapsed / .seconds(1)
        return seconds > 0 ? Double(total - remaining) / seconds : 0
    }

    /// How much longer it takes at this rate; nil while nothing can be said.
    public var timeRemaining: Duration? {
        if isReady { return .zero }
        return rate > 0 ? .seconds(Double(remaining) / rate) : nil
    }
}

/// The way from where reading starts to the ends that were there at the start.
///
/// The end of a partition is reached at that offset, or as soon as Kafka says that there is nothing more: the offsets
/// before the end may hold no record (markers, what was compacted away, a transaction that is still open).
struct HistoryTracker: Sendable {
    private struct Way: Sendable {
        var position: Int64
        var target: Int64
        var isAtEnd: Bool
    }

    private var ways: [TopicPartition: Way] = [:]
    private var stamps: [TopicPartition: [StampSource: StampMemory]] = [:]
    private var partitionsLeft = 0
    private(set) var total: Int64 = 0
    private(set) var remaining: Int64 = 0
    private(set) var records: Int64 = 0

    /// Whether every partition's end has been reached once.
    private(set) var isReady = false

    /// Where reading goes on.
    var positions: [TopicPartition: Int64] { ways.mapValues(\.position) }

    /// Where reading goes on in one of them; nil if it has not started there.
    func position(of partition: TopicPartition) -> Int64? { ways[partition]?.position }

    /// Starts on partitions, or goes on with those that are known by now: what is ready stays ready, whatever is added.
    ///
    /// - Parameter ends: where each partition ends now.
    mutating func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) {
        // Where reading goes back, what comes again is wanted again.
        stamps = stamps.filter { partition, _ in positions[partition] == ways[partition]?.position }
        ways = [:]
        (total, remaining, partitionsLeft) = (0, 0, 0)
        for (partition, position) in positions {
            let target = max(position, ends[partition] ?? position)
            ways[partition] = Way(position: position, target: target, isAtEnd: position == target)
            remaining += target - position
            if position < target { partitionsLeft += 1 }
        }
        total = remaining
        if partitionsLeft == 0 { isReady = true }
    }

    /// Takes note of an event's stamp, if it has one.
    ///
    /// - Returns: false for an event that a relay has sent twice, and that was here since reading started.
    mutating func isNew(_ record: ConsumerRecord, in partition: TopicPartition) -> Bool {
        guard
            let stamp = record.header(EventStamp.headerName).flatMap({ EventStamp(String(decoding: $0, as: UTF8.self)) }
            )
        else { return true }
        return isNew(stamp, in: partition)
    }

    mutating func isNew(_ stamp: EventStamp, in partition: TopicPartition) -> Bool {
        stamps[partition, default: [:]][stamp.source, default: StampMemory()].insert(stamp)
    }

    /// Takes over what another, which was this one, has seen of stamps since.
    mutating func takeStamps(of other: HistoryTracker) { stamps = other.stamps }

    /// Takes note of a batch.
    mutating func received(_ count: Int, of partition: TopicPartition, upTo next: Int64, reachesEnd: Bool) {
        guard var way = ways[partition] else { return }
        records += Int64(count)
        let before = way.isAtEnd ? 0 : max(0, way.target - way.position)
        way.position = max(way.position, next)
        if !way.isAtEnd, reachesEnd || way.position >= way.target {
            way.isAtEnd = true
            partitionsLeft -= 1
        }
        remaining -= before - (way.isAtEnd ? 0 : max(0, way.target - way.position))
        ways[partition] = way
        if partitionsLeft == 0 { isReady = true }
    }

    /// Whether it holds the record at this place.
    func includes(_ place: RecordPlace) -> Bool {
        ways[place.topicPartition].map { $0.position > place.offset } ?? false
    }

    /// Whether it has come at least as far as the other one, in every partition of that.
    func isAsFar(as other: HistoryTracker) -> Bool {
        other.ways.allSatisfy { partition, way in ways[partition].map { $0.position >= way.position } ?? false }
    }
}

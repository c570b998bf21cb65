import KafkaClient

/// What an instance holds of a partitioned view: for each partition a state with the history it was folded from. Knows no
/// Kafka and no clock; used under the view's lock.
struct PartitionedCore<State: Sendable>: BoardCore {
    struct Held: Sendable {
        var state: State
        var tracker = HistoryTracker()
        /// What was read before this process, or by another one: from a snapshot.
        var stored: [TopicPartition: Int64] = [:]
        /// Whether a snapshot has been looked for.
        var isRestored: Bool
        /// Whether it answers for this partition; otherwise it stands by.
        var isActive: Bool
        /// Whether the next snapshot takes a newer one's place, too: what that was folded from is lost, or it cannot be used.
        var replacesNewer = false
        /// Whether the reader has asked where it is: what is newer than that question gets no records yet.
        var isAsked = false

        var positions: [TopicPartition: Int64] { stored.merging(tracker.positions) { $1 } }
    }

    enum Condition: Sendable {
        /// It has been given its partitions, and all of them are ready.
        case ready
        case includes(RecordPlace)
    }

    let initial: State
    let hasSnapshots: Bool
    private(set) var held: [Int32: Held] = [:]
    private(set) var isAssigned = false
    private var start = ContinuousClock.now
    private var timeToReady: Duration?
    var ending: (any Error)?

    init(initial: State, hasSnapshots: Bool = false) {
        self.initial = initial
        self.hasSnapshots = hasSnapshots
    }

    var active: Set<Int32> { Set(held.lazy.filter(\.value.isActive).map(\.key)) }

    var isReady: Bool { isAssigned && held.values.allSatisfy { !$0.isActive || $0.tracker.isReady } }

    func holds(_ condition: Condition) -> Bool {
        switch condition {
        case .ready: isReady
        case .includes(let place):
            held[place.partition].map { $0.tracker.isReady && $0.tracker.includes(place) } ?? false
        }
    }

    // MARK: Whose they are

    /// These are this instance's, and no others; what it held of others stays, standing by, until ``standBy(for:)``.
    mutating func assign(_ numbers: Set<Int32>) {
        isAssigned = true
        if timeToReady != nil { (start, timeToReady) = (.now, nil) }
        for number in held.keys where !numbers.contains(number) { edit(number) { $0.isActive = false } }
        let new = Held(state: initial, isRestored: !hasSnapshots, isActive: true)
        for number in numbers { held[number, default: new].isActive = true }
        noteIfReady()
    }

    /// Stands by for these and no others.
    mutating func standBy(for numbers: Set<Int32>) {
        held = held.filter { $0.value.isActive || numbers.contains($0.key) }
        for number in numbers where held[number] == nil {
            held[number] = Held(state: initial, isRestored: !hasSnapshots, isActive: false)
        }
    }

    // MARK: Their history

    /// The partitions for which a snapshot is to be looked for before they are read.
    var unrestored: [Int32] { held.lazy.filter { !$0.value.isRestored }.map(\.key) }

    /// Takes what a snapshot holds of a partition.
    mutating func restore(_ number: Int32, _ found: ViewSnapshots<State>.Found) {
        edit(number) { held in
            guard !held.isRestored else { return }
            held.isRestored = true
            switch found {
            case .nothing: break
            case .unusable: held.replacesNewer = true
            case .usable(let snapshot): (held.state, held.stored) = (snapshot.state, snapshot.positions)
            }
        }
    }

    /// What a snapshot is to hold of a partition; nil: nothing is known of it.
    mutating func takeForSnapshot(_ number: Int32) -> Held? {
        guard let taken = held[number], !taken.positions.isEmpty else { return nil }
        edit(number) { $0.replacesNewer = false }
        return taken
    }

    /// What was taken is not in its place.
    mutating func notKept(_ number: Int32, _ taken: Held) {
        if taken.replacesNewer { edit(number) { $0.replacesNewer = true } }
    }

    /// Where reading goes on; nil while there are ``unrestored`` partitions.
    mutating func askPositions() -> [TopicPartition: Int64]? {
        guard unrestored.isEmpty else { return nil }
        for index in held.values.indices { held.values[index].isAsked = true }
        return held.values.reduce(into: [:]) { $0.merge($1.positions) { $1 } }
    }

    /// Reading starts, or goes on, at these positions, for what was there when they were asked for.
    mutating func start(_ positions: [TopicPartition: Int64], ends: [TopicPartition: Int64]) {
        for (number, starts) in Dictionary(grouping: positions, by: \.key.partition) {
            edit(number) { held in
                guard held.isAsked else { return }
                held.tracker.start(
                    Dictionary(uniqueKeysWithValues: starts.map { ($0.key, $0.value) }), ends: ends)
            }
        }
        noteIfReady()
    }

    /// Folds what comes next in a partition, in place. What comes for a state that was begun since is not for that one.
    mutating func receive(_ batch: PartitionedBatch, _ fold: (inout State, inout HistoryTracker) throws -> Void)
        rethrows
    {
        try edit(batch.partition.partition) { held in
            guard let position = held.tracker.position(of: batch.partition), position <= batch.first else { return }
            try fold(&held.state, &held.tracker)
            held.tracker.received(
                batch.count, of: batch.partition, upTo: batch.next, reachesEnd: batch.reachesEnd)
        }
        if timeToReady == nil { noteIfReady() }
    }

    private mutating func edit(_ number: Int32, _ body: (inout Held) throws -> Void) rethrows {
        guard let index = held.index(forKey: number) else { return }
        try body(&held.values[index])
    }

    private mutating func noteIfReady() {
        if timeToReady == nil, isReady { timeToReady = .now - start }
    }

    /// Begins anew with these.
    mutating func forget(_ numbers: some Sequence<Int32>) {
        for number in numbers {
            let initial = initial
            edit(number) { held in
                (held.state, held.tracker, held.stored, held.isAsked) = (initial, HistoryTracker(), [:], false)
                held.replacesNewer = true
            }
        }
        (start, timeToReady) = (.now, nil)
    }

    var progress: ViewProgress {
        let active = held.values.filter(\.isActive).map(\.tracker)
        return ViewProgress(
            records: held.values.reduce(0) { $0 + $1.tracker.records }, total: active.reduce(0) { $0 + $1.total },
            remaining: active.reduce(0) { $0 + $1.remaining }, elapsed: timeToReady ?? (.now - start),
            isReady: isReady)
    }
}

/// Which records a batch has.
struct PartitionedBatch: Sendable {
    var partition: TopicPartition
    /// The first one's offset; of a batch without records, where it ends.
    var first: Int64
    var next: Int64
    var count: Int
    var reachesEnd = false
}

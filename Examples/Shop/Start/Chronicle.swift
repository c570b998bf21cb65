import Tidings

/// What has happened to the shop's processes and partitions, told from one look to the next.
struct Chronicle: Sendable {
    struct Entry: Sendable, Equatable {
        fileprivate let moment: Timestamp
        /// When, in UTC: `12:34:56`
        let time: String
        /// `calm`, `flowing` or `broken`, with the mark that says the same.
        let tone: String
        let mark: String
        let text: String
    }

    /// How many entries are kept.
    private static let kept = 10

    /// The latest first.
    private(set) var entries: [Entry] = []
    private var last: SystemState?
    /// When each process ended and worked again, as it was told last: what is known of a process may come from two places, one
    /// of them later than the other.
    private var told: [String: (end: Int64, ready: Int64)] = [:]
    /// Who read each partition last: between two owners it may be nobody's for a moment.
    private var owners: [String: [Int: String]] = [:]

    /// Compares with the state before, and tells what is different.
    mutating func note(_ state: SystemState, at now: Timestamp = .now()) {
        if let last {
            tellProcesses(last, state)
            if let sending = state.orders?.sending, let before = last.orders?.sending, sending != before {
                add(now, "calm", "✓", "From now on events are sent \(sending.title).")
            }
        }
        for group in SystemWatch.groups { tellMoves(of: group, state, now) }
        // What does not answer at the moment has not changed.
        var known = state
        known.orders = state.orders ?? last?.orders
        last = known
    }

    private mutating func tellProcesses(_ before: SystemState, _ state: SystemState) {
        let old = Dictionary((before.processes + before.down).map { ($0.name, $0) }) { first, _ in first }
        for entry in state.processes + state.down {
            let title = entry.name.processTitle
            let known = old[entry.name]
            let last = told[entry.name] ?? (known?.endedAt ?? 0, known?.readyAt ?? 0)
            told[entry.name] = (max(last.end, entry.endedAt ?? 0), max(last.ready, entry.readyAt ?? 0))
            if let ended = entry.endedAt, ended > last.end, known != nil {
                let words = entry.lastEnd ?? "ended"
                add(Timestamp(millisecondsSince1970: ended), "broken", "✕", "\(title) \(words).")
            }
            if entry.isReady, let ready = entry.readyAt, ready > last.ready {
                let away = entry.endedAt.map { Readable.duration(milliseconds: ready - $0) }
                add(
                    Timestamp(millisecondsSince1970: ready), "calm", "✓",
                    away.map { "\(title) works again, \($0) after it \(entry.endInShort)." } ?? "\(title) works.")
            }
        }
    }

    private mutating func tellMoves(of group: String, _ state: SystemState, _ now: Timestamp) {
        var moves: [String: [Int]] = [:]
        for partition in state.partitions ?? [] {
            guard let to = partition.owner(in: group)?.instance else { continue }
            let from = owners[group, default: [:]].updateValue(to, forKey: partition.partition)
            guard let from, to != from else { continue }
            moves["from \(from.processTitle) to \(to.processTitle)", default: []].append(partition.partition)
        }
        for (way, partitions) in moves.sorted(by: { $0.key < $1.key }) {
            add(now, "flowing", "→", "\(Readable.title(Readable.partitions(partitions))) moved \(way).")
        }
    }

    /// In its place by time: what was noticed later may have happened before.
    private mutating func add(_ moment: Timestamp, _ tone: String, _ mark: String, _ text: String) {
        let index = entries.firstIndex { $0.moment <= moment } ?? entries.count
        let time = Readable.clock(moment.rfc3339)
        entries.insert(Entry(moment: moment, time: time, tone: tone, mark: mark, text: text), at: index)
        if entries.count > Self.kept { entries.removeLast() }
    }
}

import Tidings

/// Judges histories: names each lost, ghost, doubled or reordered event and effect.
///
/// ```swift
/// let verdict = Checker(readers: ["invoicing", "shipping"]).check(history)
/// print(verdict)      // lost 0, ghost 0, doubled 0, reordered 0
/// ```
///
/// A history is judged as it stands: what is still on its way counts as lost.
public struct Checker: Sendable {
    /// Who must have an effect for each event. Effects of readers that are not named here are judged too, except that
    /// they may be missing.
    public var readers: [String]

    /// A checker that expects an effect of each of these readers for each event.
    public init(readers: [String] = []) {
        self.readers = readers
    }

    /// Names everything that is wrong in a history.
    public func check(_ history: History) -> Verdict {
        let facts = Facts(history)
        var findings = events(facts)
        for reader in Set(readers).union(facts.effects.keys).sorted() {
            findings += effects(facts.effects[reader] ?? [], at: reader, facts)
        }
        return Verdict(findings)
    }

    // MARK: Events

    private func events(_ facts: Facts) -> [Finding] {
        var findings: [Finding] = []
        let sightings = Dictionary(grouping: facts.visible, by: \.event)
        for action in facts.actions where sightings[action.event] == nil {
            findings.append(Finding(.lost, action.event, "its action is committed, but it is not in Kafka"))
        }
        for event in facts.acknowledged where facts.sequences[event] == nil {
            findings.append(
                Finding(.lost, event, "its caller was told that it is done, but its action is not committed"))
        }
        for (event, places) in sightings.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            if facts.sequences[event] == nil {
                findings.append(Finding(.ghost, event, "it is in Kafka, but its action is not committed"))
            }
            if places.count > 1 {
                let list = places.map { "\($0.partition)/\($0.offset)" }.joined(separator: ", ")
                findings.append(Finding(.doubled, event, "it is in Kafka \(places.count) times, at \(list)"))
            }
        }
        for (key, sightings) in Dictionary(grouping: facts.visible, by: \.key).sorted(by: { $0.key < $1.key }) {
            let partitions = Set(sightings.map(\.partition)).sorted()
            if partitions.count > 1, let first = sightings.first(where: { $0.partition != partitions[0] }) {
                findings.append(
                    Finding(.reordered, first.event, "key \(key) is in several partitions: \(partitions)"))
            }
            for partition in partitions {
                let inOrder = sightings.filter { $0.partition == partition }.sorted { $0.offset < $1.offset }
                findings += overtaken(inOrder.map(\.event), facts).map {
                    Finding(.reordered, $0.event, "in Kafka it comes after \($0.by), whose action was later")
                }
            }
        }
        return findings
    }

    // MARK: Effects

    private func effects(_ effects: [(event: EventID, key: String)], at reader: String, _ facts: Facts) -> [Finding] {
        var findings: [Finding] = []
        let counts = Dictionary(grouping: effects, by: \.event).mapValues(\.count)
        if readers.contains(reader) {
            for action in facts.actions where counts[action.event] == nil {
                findings.append(
                    Finding(.lost, action.event, reader: reader, "its action is committed, but it had no effect"))
            }
        }
        for (event, count) in counts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            if facts.sequences[event] == nil {
                findings.append(
                    Finding(.ghost, event, reader: reader, "it had an effect, but its action is not committed"))
            }
            if count > 1 {
                findings.append(Finding(.doubled, event, reader: reader, "it had \(count) effects"))
            }
        }
        for (_, ofKey) in Dictionary(grouping: effects, by: \.key).sorted(by: { $0.key < $1.key }) {
            findings += overtaken(ofKey.map(\.event), facts).map {
                Finding(
                    .reordered, $0.event, reader: reader, "its effect came after that of \($0.by), which was later")
            }
        }
        return findings
    }

    // MARK: Order

    /// Those events whose first appearance comes after that of an event with a later action, and which one that was.
    ///
    /// A repetition of what was there before is a double, not a disorder.
    private func overtaken(_ events: [EventID], _ facts: Facts) -> [(event: EventID, by: EventID)] {
        var seen: Set<EventID> = []
        var latest: (event: EventID, sequence: Int64)?
        var overtaken: [(event: EventID, by: EventID)] = []
        for event in events {
            guard let sequence = facts.sequences[event], seen.insert(event).inserted else { continue }
            if let latest, latest.sequence > sequence {
                overtaken.append((event, latest.event))
            } else {
                latest = (event, sequence)
            }
        }
        return overtaken
    }
}

/// A history's facts by kind.
private struct Facts {
    var actions: [(event: EventID, sequence: Int64)] = []
    var sequences: [EventID: Int64] = [:]
    var acknowledged: [EventID] = []
    var visible: [(event: EventID, key: String, partition: Int32, offset: Int64)] = []
    var effects: [String: [(event: EventID, key: String)]] = [:]

    init(_ history: History) {
        for fact in history.facts {
            switch fact {
            case .actionCommitted(let event, _, let sequence):
                if sequences.updateValue(sequence, forKey: event) == nil { actions.append((event, sequence)) }
            case .actionAcknowledged(let event, _): acknowledged.append(event)
            case .eventVisible(let event, let key, let partition, let offset):
                visible.append((event, key, partition, offset))
            case .effect(let event, let key, let reader):
                effects[reader, default: []].append((event, key))
            }
        }
    }
}

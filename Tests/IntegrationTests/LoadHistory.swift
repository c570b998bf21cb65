import Foundation
import Tidings
import TidingsAudit

/// What the clients of `Clients/load.py` were told, and what is in the topics afterwards, in the words of the checker.
///
/// A record that was acknowledged, or whose transaction was, is an action; a record that a reader of committed records
/// finds is an event; one that a member of a group has read, and committed its offset, is an effect. So an offset that
/// was committed and is lost shows as doubled effects, and a record of an aborted transaction that is seen as a ghost.
struct LoadHistory {
    /// A record, as the clients name it.
    struct Event: Decodable, Hashable {
        var topic: String
        var key: String
        var id: String
        var sequence: Int64
    }

    struct Place: Hashable {
        var partition: Int32
        var offset: Int64
    }

    fileprivate struct Line: Decodable {
        var acknowledged: Event?
        var transaction: Int?
        var events: [Event]?
        var committed: Int?
        var aborted: Int?
        var assigned: [Int32]?
        var read: [Event]?
        var stored: Int?
        var found: Event?
        var partition: Int32?
        var offset: Int64?
    }

    /// Records that must be there, by topic.
    private(set) var actions: [String: [Event]] = [:]
    /// Transactions without an answer, in which all or nothing may be there.
    private(set) var doubtful: [[Event]] = []
    /// Where the acknowledgements said that the records are.
    private(set) var places: [String: [Event: Place]] = [:]
    private(set) var found: [String: [(event: Event, place: Place)]] = [:]
    private var effects: [String: [Event]] = [:]

    /// Takes in what a client wrote to its standard output.
    mutating func add(_ lines: [String]) throws {
        var open: [Int: [Event]] = [:]
        var unstored: [Event] = []
        /// In order; of those that are not certain, nobody knows whether their commit was carried out.
        var handled: [(event: Event, isCertain: Bool)] = []
        for text in lines {
            let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
            if let event = line.acknowledged {
                actions[event.topic, default: []].append(event)
                places[event.topic, default: [:]][event] = line.place
            } else if let number = line.transaction {
                open[number] = line.events
            } else if let number = line.committed {
                for event in open.removeValue(forKey: number) ?? [] { actions[event.topic, default: []].append(event) }
            } else if let number = line.aborted {
                open[number] = nil
            } else if line.assigned != nil {
                handled += unstored.map { ($0, false) }
                unstored = []
            } else if let events = line.read {
                unstored += events
            } else if line.stored != nil {
                handled += unstored.map { ($0, true) }
                unstored = []
            } else if let event = line.found, let place = line.place {
                found[event.topic, default: []].append((event, place))
            }
        }
        doubtful += open.sorted { $0.key < $1.key }.map(\.value)
        let certain = Set(handled.filter(\.isCertain).map(\.event))
        for (event, isCertain) in handled where isCertain || !certain.contains(event) {
            effects[event.topic, default: []].append(event)
        }
    }

    /// Names what is wrong with a topic.
    ///
    /// - Parameters:
    ///   - source: the topic whose records are to be found here, when that is another one.
    ///   - isFollowed: there is a member that must have read everything.
    ///   - isCompacted: only the last record of each key has to be there.
    func verdict(
        on topic: String, actionsOf source: String? = nil, isFollowed: Bool = false, isCompacted: Bool = false
    ) -> Verdict {
        let seen = found[topic] ?? []
        let visible = Set(seen.map(\.event.id))
        var actions = (actions[source ?? topic] ?? [])
        for transaction in doubtful where transaction.contains(where: { visible.contains($0.id) }) {
            actions += transaction.filter { $0.topic == topic }
        }
        if isCompacted {
            let last = Dictionary(grouping: actions, by: \.key).mapValues { $0.map(\.sequence).max() }
            actions.removeAll { !visible.contains($0.id) && $0.sequence != last[$0.key] }
        }
        var history = History()
        for event in actions {
            history.append(.actionCommitted(event: .init(event.id), key: event.key, sequence: event.sequence))
        }
        for (event, place) in seen {
            history.append(
                .eventVisible(
                    event: .init(event.id), key: event.key, partition: place.partition, offset: place.offset))
        }
        for event in effects[topic] ?? [] {
            history.append(.effect(event: .init(event.id), key: event.key, reader: "followers"))
        }
        return Checker(readers: isFollowed ? ["followers"] : []).check(history)
    }

    /// Records that are not where their acknowledgement said, of those that are still there.
    func misplaced(in topic: String) -> [Event] {
        let told = places[topic] ?? [:]
        return (found[topic] ?? []).filter { found in told[found.event].map { $0 != found.place } ?? false }
            .map(\.event)
    }
}

extension LoadHistory.Line {
    fileprivate var place: LoadHistory.Place? {
        guard let partition, let offset else { return nil }
        return LoadHistory.Place(partition: partition, offset: offset)
    }
}

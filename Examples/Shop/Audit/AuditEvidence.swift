import Tidings
import TidingsAudit

/// All that is known of the orders at one moment, from what lasts: the order service's database, the topic, the readers'
/// databases. And what may still be under way, so that nobody is accused too early.
struct AuditEvidence: Sendable {
    /// What one reader has done, and how far it says it has come.
    struct Reader: Sendable {
        var name: String
        /// Effects in the order in which they came true, as far as that is known.
        var effects: [(event: EventID, order: String)] = []
        /// Up to where it has handled each partition; nil when nobody could say. Asked before the effects were read.
        var handledUpTo: [Int: Int64]?
    }

    /// Orders that were ever accepted, with when the audit first knew of them (milliseconds since 1970).
    var accepted: [String: Int64] = [:]
    /// Orders that were deleted again, with when the audit first knew of that.
    var deleted: [String: Int64] = [:]
    /// What is in the topic, in the order of each partition.
    var sightings: [Sighting] = []
    /// What was known before this moment has left the outbox and the order service, if it ever will; and the topic was
    /// read up to an end that it had afterwards.
    var sentBefore: Int64 = 0
    /// What was seen in the topic before this moment was written by then, if it ever will be; and the orders were read
    /// afterwards.
    var writtenBefore: Int64 = 0
    var readers: [Reader] = []

    static func placed(_ order: String) -> EventID { EventID("\(OrderPlaced.eventType)/\(order)") }
    static func cancelled(_ order: String) -> EventID { EventID("\(OrderCancelled.eventType)/\(order)") }
}

extension AuditEvidence {
    /// An event with what is known of it.
    private struct Known {
        let order: String
        /// Its place among its order's events.
        let sequence: Int64
        var knownSince: Int64?
        var places: [Sighting] = []
    }

    /// Judges what can be judged, with the same checker that proves the library.
    func judge() -> AuditReport {
        var (events, resent) = known()
        var underWay = 0
        for (event, known) in events {
            let isUnderWay =
                switch (known.knownSince, known.places.first) {
                case (let since?, nil): since >= sentBefore
                case (nil, let sighting?): sighting.seenAt >= writtenBefore
                default: false
                }
            guard isUnderWay else { continue }
            events[event] = nil
            if known.sequence == 1 { underWay += 1 }
        }
        let topic = Checker().check(history(of: events))
        var subjects = [AuditReport.Subject("topic", topic.findings.filter { $0.reader == nil })]
        var findings = subjects[0].findings
        for reader in readers {
            let arrived = Set(reader.effects.map(\.event))
            let due = events.filter { arrived.contains($0.key) || isDue($0.value, at: reader) }
            let verdict = Checker(readers: [reader.name]).check(history(of: due, reader))
            let subject = AuditReport.Subject(
                reader.name, verdict.findings.filter { $0.reader == reader.name }, behind: events.count - due.count)
            subjects.append(subject)
            findings += subject.findings
        }
        return AuditReport(
            orders: accepted.count, underWay: underWay, resent: resent, subjects: subjects,
            findings: findings.map { finding in
                AuditReport.Entry(
                    kind: finding.kind, order: events[finding.event]?.order ?? "", subject: finding.reader ?? "topic",
                    explanation: finding.explanation)
            })
    }

    /// Every event that was written or seen, and how many records are repetitions that their stamps tell.
    private func known() -> (events: [EventID: Known], resent: Int) {
        var events: [EventID: Known] = [:]
        for (order, since) in accepted {
            events[Self.placed(order)] = Known(order: order, sequence: 1, knownSince: since)
        }
        for (order, since) in deleted {
            events[Self.cancelled(order)] = Known(order: order, sequence: 2, knownSince: since)
        }
        var stamps: Set<String> = []
        var resent = 0
        for sighting in sightings {
            if let stamp = sighting.stamp, !stamps.insert(stamp).inserted {
                resent += 1
                continue
            }
            let new = Known(order: sighting.order, sequence: sighting.isCancellation ? 2 : 1)
            events[sighting.event, default: new].places.append(sighting)
        }
        return (events, resent)
    }

    /// Whether a reader must have had its effect: it is past the event, or the event is lost.
    private func isDue(_ known: Known, at reader: Reader) -> Bool {
        guard let handled = reader.handledUpTo else { return false }
        return known.places.allSatisfy { $0.offset < handled[$0.partition] ?? 0 }
    }

    private func history(of events: [EventID: Known], _ reader: Reader? = nil) -> History {
        var history = History()
        for (event, known) in events {
            if known.knownSince != nil {
                history.append(.actionCommitted(event: event, key: known.order, sequence: known.sequence))
            }
            for place in known.places {
                history.append(
                    .eventVisible(
                        event: event, key: known.order, partition: Int32(place.partition), offset: place.offset))
            }
        }
        for (event, order) in reader?.effects ?? [] where events[event] != nil {
            history.append(.effect(event: event, key: order, reader: reader?.name ?? ""))
        }
        return history
    }
}

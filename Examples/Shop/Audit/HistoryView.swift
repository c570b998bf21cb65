import Tidings
import TidingsAudit

/// One order's history as a page shows it: what is to be thought of it, and where it is.
struct HistoryView: Sendable {
    struct Fact: Sendable {
        let place: String
        let text: String
        /// The page that shows it; nil where there is none.
        var url: String?
    }

    /// The addresses of an order's pages.
    struct Links: Sendable {
        let order: String
        let shipment: String
        let invoice: String
    }

    let order: String
    let tone: String
    let mark: String
    let sentence: String
    let facts: [Fact]

    init(_ history: OrderHistory, _ links: Links) {
        order = history.order
        (tone, mark, sentence) = Self.verdict(history)
        facts =
            [Self.orderService(history, links)] + Self.topic(history)
            + history.readers.map { Self.fact($0, of: history.order, links) }
    }

    private static func verdict(_ history: OrderHistory) -> (String, String, String) {
        let isAnnounced = !history.sightings.isEmpty
        if history.findings.contains(where: { $0.kind == .ghost }) {
            return (
                "broken", "✕",
                "There is no such order in the order service, and there never was. Yet its event is in the topic, and "
                    + "whoever has read it has acted on it: a ghost. The event was sent before the order was written, and the "
                    + "writing never came."
            )
        }
        let isLost = history.findings.contains { $0.kind == .lost && $0.subject == "topic" }
        let isCancelled = history.sightings.contains(where: \.isCancellation)
        if isLost, isAnnounced, history.isDeleted, !isCancelled {
            return (
                "broken", "✕",
                "The order was deleted, but its cancellation is not in the topic and never will be: lost. Whoever has heard of "
                    + "the order goes on with it."
            )
        }
        if isLost {
            return (
                "broken", "✕",
                "The order service has this order, but its event is not in the topic and never will be: lost. Nobody else "
                    + "has heard of it. The order was written, and the sending after it never came."
            )
        }
        if !history.findings.isEmpty {
            let what = history.findings.map { "\($0.kind.rawValue), \(AuditView.name($0.subject)): \($0.explanation)" }
            return ("broken", "✕", "Something is wrong with it: \(what.joined(separator: "; ")).")
        }
        if history.isAccepted != isAnnounced {
            let there =
                isAnnounced
                ? "in the topic, and not in the order service" : "in the order service, and not in the topic"
            return ("flowing", "→", "It is \(there): it may still be on its way, and is not judged yet.")
        }
        return ("calm", "✓", "The audit finds nothing wrong with it.")
    }

    private static func orderService(_ history: OrderHistory, _ links: Links) -> Fact {
        let place = "Order service"
        if history.isDeleted { return Fact(place: place, text: "accepted, and deleted again") }
        return history.isAccepted
            ? Fact(place: place, text: "accepted", url: links.order)
            : Fact(place: place, text: "no order of this number")
    }

    private static func topic(_ history: OrderHistory) -> [Fact] {
        if history.sightings.isEmpty { return [Fact(place: "Topic", text: "no event")] }
        return history.sightings.map { sighting in
            let kind = sighting.isCancellation ? "cancellation" : "order placed"
            let way = sighting.stamp.map { "through the outbox, stamp \($0)" } ?? "sent directly, past the outbox"
            let time = sighting.happenedAt.map {
                ", of \(Readable.time(Timestamp(millisecondsSince1970: $0).rfc3339)) UTC"
            }
            return Fact(
                place: "Topic",
                text: "\(kind): event \(sighting.event.rawValue)\(time ?? ""), partition \(sighting.partition), offset "
                    + "\(sighting.offset.grouped()), \(way)")
        }
    }

    private static func fact(
        _ reader: (name: String, effects: [EventID]), of order: String, _ links: Links
    ) -> Fact {
        let (made, url): (String, String?) =
            switch reader.name {
            case "shipping": ("a shipment was made out", links.shipment)
            case "invoicing": ("an invoice was made out", links.invoice)
            default: ("counted", nil)
            }
        let words = reader.effects.map { $0 == AuditEvidence.placed(order) ? made : "cancelled" }
        return Fact(
            place: Readable.title(reader.name),
            text: words.isEmpty ? "nothing" : words.joined(separator: ", "), url: words.isEmpty ? nil : url)
    }
}

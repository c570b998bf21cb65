import Tidings

/// What one can do to the running shop on its start page: each a button that does the real thing.
enum Deed: String, CaseIterable, Sendable {
    case order
    case stream
    case endStream = "end-stream"
    case killBetween = "kill-between"
    case killOrder = "kill-order"
    case killRelay = "kill-relay"
    case killInvoicing1 = "kill-invoicing-1"
    case killInvoicing2 = "kill-invoicing-2"
    case killBroker = "kill-broker"
    case stopBroker = "stop-broker"
    case startBroker = "start-broker"
    case stopShipping = "stop-shipping"
    case startShipping = "start-shipping"
    case addInvoicing = "add-invoicing"
    case removeInvoicing = "remove-invoicing"
    case rebuild
    case compare
    case move
    case compact

    /// What is written on the button.
    var title: String {
        switch self {
        case .order: "Place one order"
        case .stream: "Place a stream of orders"
        case .endStream: "End the stream"
        case .killBetween: "Kill the order service between database and sending"
        case .killOrder: "Kill the order service now"
        case .killRelay: "Kill the relay before it notes what it sent"
        case .killInvoicing1: "Kill invoicing 1"
        case .killInvoicing2: "Kill invoicing 2"
        case .killBroker: "Kill the broker"
        case .stopBroker: "Stop the broker"
        case .startBroker: "Start the broker"
        case .stopShipping: "Stop shipping"
        case .startShipping: "Start shipping"
        case .addInvoicing: "Start a third invoicing"
        case .removeInvoicing: "Stop the third invoicing"
        case .rebuild: "Rebuild the statistics from nothing"
        case .compare: "Place orders in all three ways"
        case .move: "Let a customer move twenty times"
        case .compact: "Run compaction"
        }
    }

    /// What happens then, in a sentence.
    var explanation: String {
        switch self {
        case .order: "A customer at random orders something."
        case .stream: "At the chosen rate, for half a minute."
        case .endStream: "No further orders are placed."
        case .killBetween:
            "Places an order, and kill -9 hits the order service after the first of its two steps (order written, event "
                + "sent; with “before” it is the other way round) and before the second."
        case .killOrder: "kill -9. Orders are refused for a moment; the supervisor starts it again."
        case .killRelay:
            "Places an order; kill -9 hits when Kafka has the event and the outbox does not know it. The relay lives in "
                + "the order service’s process, which goes with it. The event is sent again; readers know it by its stamp."
        case .killInvoicing1, .killInvoicing2:
            "kill -9, perhaps in the middle of an invoice. It comes back to its own partitions."
        case .killBroker: "kill -9. It is back within the second, and everyone goes on."
        case .stopBroker:
            "Kafka is away until you start it. Orders through the outbox are taken all the same, and wait there."
        case .startBroker: "What waits in the outbox leaves in order, and the readers catch up."
        case .stopShipping: "Its events wait in the topic."
        case .startShipping: "It goes on where it stopped and catches up."
        case .addInvoicing: "Kafka divides the partitions anew, and gives it its share."
        case .removeInvoicing: "Its partitions go back to the others when its session has run out, after six seconds."
        case .rebuild: "They have no database: all events are read again, while the old numbers go on answering."
        case .compare:
            "Fifty orders in each, one after the other, ten in one way and then ten in the next; a stream is ended first. "
                + "Then the way of sending is again what it was."
        case .move: "Each new address is a record with the same key."
        case .compact:
            "One more move closes the segment that is being written, once it is five seconds old; then the cleaner takes "
                + "it. That may last ten seconds."
        }
    }

    /// Whether it destroys something, if only for a moment.
    var isDestructive: Bool { rawValue.hasPrefix("kill") || rawValue.hasPrefix("stop") || self == .removeInvoicing }
}

/// The buttons of one kind, as the page shows them.
struct DeedGroup: Sendable {
    struct Button: Sendable {
        let value: String
        let title: String
        let explanation: String
        let isDestructive: Bool
    }

    let title: String
    let buttons: [Button]

    init(_ title: String, _ deeds: [Deed]) {
        self.title = title
        buttons = deeds.map {
            Button(
                value: $0.rawValue, title: $0.title, explanation: $0.explanation, isDestructive: $0.isDestructive)
        }
    }

    /// The buttons that make sense at the moment.
    static func groups(_ circumstances: Deed.Circumstances) -> [DeedGroup] {
        func group(_ title: String, _ deeds: [Deed]) -> DeedGroup {
            DeedGroup(title, deeds.filter { $0.makesSense(circumstances) })
        }
        return [
            group("Orders", [.order, .stream, .endStream]),
            group(
                "Break something",
                [.killBetween, .killOrder, .killRelay, .killInvoicing1, .killInvoicing2, .killBroker]),
            group(
                "Hold up and grow",
                [.stopShipping, .startShipping, .stopBroker, .startBroker, .addInvoicing, .removeInvoicing]),
            group("Read history again, and shorten it", [.rebuild, .move, .compact]),
        ].filter { !$0.buttons.isEmpty }
    }
}

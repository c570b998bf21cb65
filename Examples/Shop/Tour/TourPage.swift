/// One of the nine points of what the system is, as a page of the tour: what it means, and what to press.
struct TourPage: Sendable {
    let number: Int
    let title: String
    let meaning: [String]
    let deeds: [Deed]
    /// What to look at then.
    let look: String
    /// Whether the page offers the three ways of sending.
    var choosesWay = false

    static let all = [kept, carrying, compaction, groups, after, before, outbox, choice, example]

    private static let kept = TourPage(
        number: 1, title: "Records are kept",
        meaning: [
            "A topic is no queue: reading takes nothing away. Every event stays, and whoever comes later reads all of "
                + "them from the first one on.",
            "So a service may keep its state in memory alone, and let Kafka be its memory. The statistics do: they "
                + "have no database, and rebuild themselves from history at each start.",
        ],
        deeds: [.rebuild],
        look:
            "The statistics go on answering; beside them the topic is read again, and its outcome takes their place. "
            + "Below stands how long that took."
    )

    private static let carrying = TourPage(
        number: 2, title: "A record carries all that its readers need",
        meaning: [
            "The event holds the whole order: customer, lines with prices, both addresses. Readers never call back, "
                + "work while the order service is down, and keep what was true then: a later price alters no invoice.",
            "It costs larger records, copies that are kept in step, and a contract that must be evolved with care. "
                + "Each reader decodes only the fields it needs: shipping does not even read the prices.",
        ],
        deeds: [.order, .killOrder],
        look: "Kill the order service right after an order: shipment and invoice are made out all the same.")

    private static let compaction = TourPage(
        number: 3, title: "Log compaction",
        meaning: [
            "The customers’ topic is compacted: of each key the log need only keep the newest record, for it says "
                + "everything. A record without a value, a tombstone, deletes the key itself.",
            "A new reader then has less to read, and cannot see what is no longer true. The newest part of the log "
                + "stays as it is until it is closed, so the effect comes with time.",
        ],
        deeds: [.move, .compact],
        look:
            "Let someone move, and look at the count again some seconds later: the broker compacts by itself. The button has it do so at once."
    )

    private static let groups = TourPage(
        number: 4, title: "Consumer groups",
        meaning: [
            "All invoicing instances are one group: Kafka gives each partition to exactly one of them, so each order "
                + "has one instance that bills it. Shipping is a group of its own and gets every order too.",
            "When instances come and go the partitions are divided anew. That an order gets exactly one invoice even "
                + "then needs more: its row and the place in the topic are written in one transaction.",
        ],
        deeds: [.killInvoicing2, .addInvoicing, .removeInvoicing],
        look: "Below and in the start page’s picture, see who reads which partition, and that the audit gains nothing.")

    private static let after = TourPage(
        number: 5, title: "Send after the action",
        meaning: [
            "The simplest way: write the order, then send its event. If the process dies between the two, the order "
                + "is there and nobody ever hears of it: the event is lost."
        ],
        deeds: [.killBetween, .order], look: "With “after the action” chosen, the audit counts a lost event.",
        choosesWay: true)

    private static let before = TourPage(
        number: 6, title: "Send before the action",
        meaning: [
            "Send the event, then write the order. If the writing fails, others have heard of something that has not "
                + "happened: a ghost. And whoever ordered waits for Kafka before anything is written."
        ],
        deeds: [.killBetween, .order], look: "With “before the action” chosen, the audit counts a ghost.",
        choosesWay: true)

    private static let outbox = TourPage(
        number: 7, title: "Collect in the local database, send in batches",
        meaning: [
            "The transactional outbox: order and event are written in one local transaction, both or neither. A relay "
                + "sends what has collected, in batches, and notes what Kafka has. While Kafka is away the service "
                + "goes on.",
            "The price is that a change reaches Kafka only with the next batch. Here the relay wakes with each "
                + "commit, so that the next batch is never far away.",
        ],
        deeds: [.stream, .endStream, .stopBroker, .startBroker, .killBroker, .killBetween, .killRelay],
        look:
            "With the outbox chosen, stop the broker and place orders: all are taken, and wait in the outbox. Start the "
            + "broker: they leave in order. Whatever you stop or kill, nothing is added to the audit. (What pages 5 and 6 "
            + "have lost and invented stays there: to begin afresh, stop the shop, delete its folder shop-data and, on "
            + "PostgreSQL, its databases, and start it again.)",
        choosesWay: true)

    private static let choice = TourPage(
        number: 8, title: "Which one when?",
        meaning: [
            "It depends on what an event may cost you: time for the caller, time until others can read it, and what "
                + "becomes of it when a process dies. Below is what the three ways cost on this machine, in this shop.",
            "For a thorough answer there is `tidings compare`, which measures and kills on your own Kafka and database.",
        ],
        deeds: [.compare, .killBetween],
        look: "Press the first button, and the table below is filled, with what these orders took and no others.",
        choosesWay: true)

    private static let example = TourPage(
        number: 9, title: "A live example",
        meaning: [
            "Order, shipping and invoicing are processes with a database each, which talk through topics (order, shipment "
                + "and customer, of five partitions each) and nothing else. Invoicing may run several times, and its "
                + "instances share the partitions. A supervisor starts again whatever ends.",
            "The same programs run one by one, on any Kafka and on PostgreSQL: `shop order --kafka host:9092 "
                + "--database postgres://…`",
        ],
        deeds: [.stream, .endStream, .stopShipping, .startShipping],
        look: "With a stream running, stop shipping, and see it catch up when it is back.")
}

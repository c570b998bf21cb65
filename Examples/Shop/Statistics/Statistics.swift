/// What the shop has sold, folded from the topics alone: this service has no database.
///
/// Events of one order keep their order within a topic, but not across topics: a shipment may be heard of before its
/// order. Whatever comes first, the outcome is the same, and what comes twice counts once.
struct Statistics: Sendable {
    /// How much of something was sold.
    struct Amount: Sendable, Equatable {
        var count = 0
        var cents = 0
    }

    private struct Known: Sendable {
        var order: OrderToCount?
        var isCancelled = false
        var isShipped = false

        var isWaiting: Bool { order != nil && !isCancelled && !isShipped }
    }

    private var known: [String: Known] = [:]

    /// Behind the last event about orders that was read, for each partition.
    private(set) var offsets: [Int: Int64] = [:]

    /// How many orders were placed, those cancelled later among them.
    private(set) var orders = 0
    private(set) var cancelled = 0
    /// What the orders that stand are worth.
    private(set) var revenueCents = 0
    /// Orders that stand and have no shipment yet.
    private(set) var waiting = 0
    private(set) var items: [String: Amount] = [:]
    private(set) var customers: [String: Amount] = [:]

    /// The orders it has heard of.
    var orderIDs: [String] { known.filter { $0.value.order != nil }.map(\.key) }

    /// The orders whose cancellation it has heard of.
    var cancelledIDs: [String] { known.filter(\.value.isCancelled).map(\.key) }

    /// Notes how far events about orders were read.
    mutating func read(_ offset: Int64, of partition: Int) { offsets[partition] = offset + 1 }

    mutating func placed(_ order: OrderToCount) {
        change(order.orderId) { known in if known.order == nil { known.order = order } }
    }

    mutating func cancelled(_ id: String) {
        change(id) { $0.isCancelled = true }
    }

    mutating func shipped(_ id: String) {
        change(id) { $0.isShipped = true }
    }

    /// Takes what an order counted out of the sums, changes what is known of it, and puts it back in.
    private mutating func change(_ id: String, _ body: (inout Known) -> Void) {
        var order = known[id] ?? Known()
        count(order, -1)
        body(&order)
        count(order, 1)
        known[id] = order
    }

    private mutating func count(_ known: Known, _ sign: Int) {
        guard let order = known.order else { return }
        orders += sign
        if known.isWaiting { waiting += sign }
        if known.isCancelled {
            cancelled += sign
            return
        }
        revenueCents += sign * order.totalCents
        Self.add(sign, sign * order.totalCents, to: order.customer.name, in: &customers)
        for line in order.lines {
            Self.add(sign * line.count, sign * line.priceCents * line.count, to: line.name, in: &items)
        }
    }

    private static func add(_ count: Int, _ cents: Int, to name: String, in amounts: inout [String: Amount]) {
        var amount = amounts[name] ?? Amount()
        amount.count += count
        amount.cents += cents
        amounts[name] = amount == Amount() ? nil : amount
    }
}

/// An order was placed, as far as statistics care.
struct OrderToCount: OrderEvent {
    struct Customer: Codable, Sendable {
        var name: String
    }

    struct Line: Codable, Sendable {
        var name: String
        var priceCents: Int
        var count: Int
    }

    var orderId: String
    var customer: Customer
    var lines: [Line]

    var totalCents: Int { lines.reduce(0) { $0 + $1.priceCents * $1.count } }
}

import Tidings

/// An order was placed, as far as invoicing cares: who owes how much for what. Where it is shipped to, it does not read.
struct OrderToInvoice: Event {
    static let eventType = "shop.order.placed"

    struct Customer: Codable, Sendable {
        var name: String
        var email: String
    }

    struct Line: Codable, Sendable {
        var name: String
        var priceCents: Int
        var count: Int
    }

    var orderId: String
    var customer: Customer
    var lines: [Line]
    var billingAddress: Address

    var key: String { orderId }

    /// Invoicing does its own sums.
    var totalCents: Int { lines.reduce(0) { $0 + $1.priceCents * $1.count } }
}

/// An order was deleted: its invoice is cancelled.
struct InvoicingCancelled: Event {
    static let eventType = "shop.order.cancelled"

    var orderId: String

    var key: String { orderId }
}

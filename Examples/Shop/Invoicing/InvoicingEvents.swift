/// An order was placed, as far as invoicing cares: who owes how much for what. Where it is shipped to, it does not read.
struct OrderToInvoice: OrderEvent {
    struct Customer: Codable, Sendable {
        var id: Int
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

    /// Invoicing does its own sums.
    var totalCents: Int { lines.reduce(0) { $0 + $1.priceCents * $1.count } }
}

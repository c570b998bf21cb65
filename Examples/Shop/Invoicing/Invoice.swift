/// An invoice as invoicing keeps it: its own copy of what was true when the order was placed.
struct Invoice: Codable, Sendable {
    struct Line: Codable, Sendable {
        var name: String
        var priceCents: Int
        var count: Int

        var totalCents: Int { priceCents * count }
    }

    /// The invoice's own number.
    var number: Int64
    var orderId: String
    var customer: String
    var email: String
    var address: Address
    var totalCents: Int
    /// When the invoice was made out, in UTC.
    var createdAt: String
    /// When its order was cancelled; nil while it stands.
    var cancelledAt: String?
    /// How the event came here.
    var handling: Handling
    /// What it is for; only in the answer for one invoice.
    var lines: [Line]?
}

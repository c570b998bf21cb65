import Tidings

/// Something the shop sells. Its price is today's; what an order cost then stays with the order.
struct Item: Codable, Sendable {
    var id: Int
    var name: String
    var priceCents: Int
}

struct Customer: Codable, Sendable {
    var id: Int
    var name: String
    var email: String
}

/// One line of an order, with name and price as they were.
struct OrderLine: Codable, Sendable {
    var itemId: Int
    var name: String
    var priceCents: Int
    var count: Int

    var totalCents: Int { priceCents * count }
}

/// An order as the order service keeps it.
struct Order: Codable, Sendable {
    var id: String
    var customer: Customer
    var lines: [OrderLine]
    var shippingAddress: Address
    var billingAddress: Address
    var totalCents: Int
    /// When it was placed, in UTC.
    var placedAt: String
}

/// An order on the list.
struct OrderSummary: Codable, Sendable {
    var id: String
    var customer: Customer
    /// How many lines it has.
    var lineCount: Int
    var totalCents: Int
    var placedAt: String
    /// Its place in the order of acceptance; `?before=` continues a list with it.
    var sequence: Int
}

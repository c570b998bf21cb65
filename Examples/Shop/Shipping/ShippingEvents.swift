/// An order was placed, as far as shipping cares: what goes where. Prices and the billing address are none of its
/// business, so it does not even read them.
struct OrderToShip: OrderEvent {
    struct Customer: Codable, Sendable {
        var name: String
    }

    struct Line: Codable, Sendable {
        var itemId: Int
        var name: String
        var count: Int
    }

    var orderId: String
    var customer: Customer
    var lines: [Line]
    var shippingAddress: Address
}

import Tidings

/// An order was placed, as far as shipping cares: what goes where. Prices and the billing address are none of its
/// business, so it does not even read them.
struct OrderToShip: Event {
    static let eventType = "shop.order.placed"

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

    var key: String { orderId }
}

/// An order was deleted: do not ship it.
struct ShippingCancelled: Event {
    static let eventType = "shop.order.cancelled"

    var orderId: String

    var key: String { orderId }
}

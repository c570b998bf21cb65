import Tidings

/// An order was placed, as far as shipping cares: what goes where. Prices and the billing address are none of its
/// business, so it does not even read them.
struct OrderToShip: OrderEvent {
    struct Customer: Codable, Sendable {
        var id: Int
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

/// A shipment was made out: what shipping tells others.
struct ShipmentMade: Event {
    static let eventType = "shop.shipment.made"

    var orderId: String

    var key: String { orderId }
}

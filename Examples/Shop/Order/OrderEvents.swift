import Tidings

/// An order was placed. Carries the whole order, so that nobody has to ask back, and what was true then stays true.
struct OrderPlaced: Event {
    static let eventType = "shop.order.placed"

    var orderId: String
    var customer: Customer
    var lines: [OrderLine]
    var shippingAddress: Address
    var billingAddress: Address
    var totalCents: Int

    var key: String { orderId }

    init(_ order: Order) {
        orderId = order.id
        customer = order.customer
        lines = order.lines
        shippingAddress = order.shippingAddress
        billingAddress = order.billingAddress
        totalCents = order.totalCents
    }
}

/// An order was deleted: it must neither be shipped nor be paid.
struct OrderCancelled: Event {
    static let eventType = "shop.order.cancelled"

    var orderId: String

    var key: String { orderId }
}

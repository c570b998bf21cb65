import Tidings

/// That an order was placed, as far as the service that reads it cares.
protocol OrderEvent: Event {
    var orderId: String { get }
}

extension OrderEvent {
    static var eventType: String { "shop.order.placed" }

    var key: String { orderId }
}

/// An order was deleted: it must neither be shipped nor be paid.
struct Cancellation: Event {
    static let eventType = "shop.order.cancelled"

    var orderId: String

    var key: String { orderId }
}

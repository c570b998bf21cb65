/// That an order's cancellation was heard of, and when (in UTC).
struct OrderCancellation: Codable, Sendable {
    var orderId: String
    var cancelledAt: String
}

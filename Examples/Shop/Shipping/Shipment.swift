/// A parcel to send, as shipping keeps it: its own copy of what it needs of an order.
struct Shipment: Codable, Sendable {
    struct Line: Codable, Sendable {
        var itemId: Int
        var name: String
        var count: Int
    }

    var orderId: String
    var recipient: String
    var address: Address
    /// When the shipment was made out, in UTC.
    var createdAt: String
    /// When its order was cancelled; nil while it stands.
    var cancelledAt: String?
    /// How the event came here.
    var handling: Handling
    /// What is in it; only in the answer for one shipment.
    var lines: [Line]?
}

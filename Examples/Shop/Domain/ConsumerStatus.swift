/// How a consuming service stands, for the start page.
struct ConsumerStatus: Codable, Sendable {
    /// Shipments or invoices made out, cancelled ones included.
    var count: Int
    /// How many of them were cancelled.
    var cancelled: Int
    /// Events that came again and had no second effect.
    var duplicates: Int
}

/// How a consuming service stands, for the start page.
struct ConsumerStatus: Codable, Sendable {
    /// Shipments or invoices made out, cancelled ones included.
    var count: Int
    /// How many of them were cancelled.
    var cancelled: Int
    /// Events that came again and had no second effect.
    var duplicates: Int
    /// For each partition of the topic, behind the last record that it has handled: written with what came of it.
    var offsets: [Int: Int64] = [:]
}

/// What a service makes out for an order, once: shipping a shipment, invoicing an invoice. It is the service's own copy
/// of what was true when the order was placed, and is never altered; a cancellation stands beside it.
protocol Document: Codable, Sendable {
    /// What the service reads of an order that was placed.
    associatedtype Order: OrderEvent
    associatedtype Line: Codable, Sendable

    /// The service that makes them out: its name, its consumer group, its database.
    static var service: String { get }
    /// The documents' table, and a word for one of them.
    static var table: String { get }
    /// The columns that only these documents have, as `CREATE TABLE` has them.
    static var columns: [String] { get }
    /// The columns of their lines.
    static var lineColumns: [String] { get }

    /// Whose order it is.
    static func customer(of order: Order) -> Int

    /// What goes into ``columns`` and ``lineColumns``.
    static func values(of order: Order) -> [any SQLValue]
    static func lineValues(of order: Order) -> [[any SQLValue]]

    /// What the service tells others of a document that it has made out; nil where it tells nothing.
    static func announcement(for order: Order) -> ShipmentMade?
    /// Whether it ever tells anything, and so needs a relay.
    static var announces: Bool { get }

    /// Reads ``columns``, which are the row's first ones.
    init(_ head: DocumentHead, _ row: any SQLRow) throws
    /// Reads ``lineColumns``.
    static func line(_ row: any SQLRow) throws -> Line

    /// Its own number, from 1; there may be gaps.
    var number: Int { get }
    var orderId: String { get }
    /// When it was made out, in UTC.
    var createdAt: String { get }
    /// When its order was cancelled; nil while it stands.
    var cancelledAt: String? { get }
    /// How the event came here.
    var handling: Handling { get }
    /// Whose order it was; only in the answer for one document.
    var customerId: Int? { get set }
    /// Only in the answer for one document.
    var lines: [Line]? { get set }
}

extension Document {
    static func announcement(for order: Order) -> ShipmentMade? { nil }
    static var announces: Bool { false }
}

/// What every document has.
struct DocumentHead: Sendable {
    var number: Int
    var orderId: String
    var createdAt: String
    var cancelledAt: String?
    var handling: Handling
}

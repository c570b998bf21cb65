/// A parcel to send, as shipping keeps it: its own copy of what it needs of an order.
struct Shipment: Document {
    struct Line: Codable, Sendable {
        var itemId: Int
        var name: String
        var count: Int
    }

    var number: Int
    var orderId: String
    var recipient: String
    var address: Address
    var createdAt: String
    var cancelledAt: String?
    var handling: Handling
    var customerId: Int?
    var lines: [Line]?
}

extension Shipment {
    static let service = "shipping"
    static let table = "shipment"
    static let columns = ["recipient TEXT NOT NULL", "street TEXT NOT NULL", "zip TEXT NOT NULL", "city TEXT NOT NULL"]
    static let lineColumns = ["item_id BIGINT NOT NULL", "name TEXT NOT NULL", "count BIGINT NOT NULL"]

    static func customer(of order: OrderToShip) -> Int { order.customer.id }

    static func values(of order: OrderToShip) -> [any SQLValue] {
        let address = order.shippingAddress
        return [order.customer.name, address.street, address.zip, address.city]
    }

    static let announces = true

    static func announcement(for order: OrderToShip) -> ShipmentMade? { ShipmentMade(orderId: order.orderId) }

    static func lineValues(of order: OrderToShip) -> [[any SQLValue]] {
        order.lines.map { [$0.itemId, $0.name, $0.count] }
    }

    init(_ head: DocumentHead, _ row: any SQLRow) throws {
        self.init(
            number: head.number, orderId: head.orderId, recipient: try row.text(0),
            address: try Address(row, from: 1),
            createdAt: head.createdAt, cancelledAt: head.cancelledAt, handling: head.handling)
    }

    static func line(_ row: any SQLRow) throws -> Line {
        Line(itemId: try row.integer(0), name: try row.text(1), count: try row.integer(2))
    }
}

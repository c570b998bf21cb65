/// An invoice as invoicing keeps it: its own copy of what was true when the order was placed.
struct Invoice: Document {
    struct Line: Codable, Sendable {
        var name: String
        var priceCents: Int
        var count: Int

        var totalCents: Int { priceCents * count }
    }

    var number: Int
    var orderId: String
    var customer: String
    var email: String
    var address: Address
    var totalCents: Int
    var createdAt: String
    var cancelledAt: String?
    var handling: Handling
    var customerId: Int?
    var lines: [Line]?
}

extension Invoice {
    static let service = "invoicing"
    static let table = "invoice"
    static let columns = [
        "customer TEXT NOT NULL", "email TEXT NOT NULL", "street TEXT NOT NULL", "zip TEXT NOT NULL",
        "city TEXT NOT NULL", "total_cents BIGINT NOT NULL",
    ]
    static let lineColumns = ["name TEXT NOT NULL", "price_cents BIGINT NOT NULL", "count BIGINT NOT NULL"]

    static func customer(of order: OrderToInvoice) -> Int { order.customer.id }

    static func values(of order: OrderToInvoice) -> [any SQLValue] {
        let address = order.billingAddress
        return [
            order.customer.name, order.customer.email, address.street, address.zip, address.city, order.totalCents,
        ]
    }

    static func lineValues(of order: OrderToInvoice) -> [[any SQLValue]] {
        order.lines.map { [$0.name, $0.priceCents, $0.count] }
    }

    init(_ head: DocumentHead, _ row: any SQLRow) throws {
        self.init(
            number: head.number, orderId: head.orderId, customer: try row.text(0), email: try row.text(1),
            address: try Address(row, from: 2),
            totalCents: try row.integer(5), createdAt: head.createdAt, cancelledAt: head.cancelledAt,
            handling: head.handling)
    }

    static func line(_ row: any SQLRow) throws -> Line {
        Line(name: try row.text(0), priceCents: try row.integer(1), count: try row.integer(2))
    }
}

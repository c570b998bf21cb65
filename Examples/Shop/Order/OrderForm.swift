/// The order form as a person filled it in: text, right or wrong, which is shown again beside what is wrong.
struct OrderForm: Sendable {
    struct Line: Sendable {
        /// The item’s number and the price that was shown with it: `2@1250`
        var item = ""
        var count = ""

        private var numbers: [Substring] { item.split(separator: "@", maxSplits: 1) }
        var itemId: Int? { numbers.first.flatMap { Int($0) } }
        var priceCents: Int? { numbers.dropFirst().first.flatMap { Int($0) } }
    }

    struct AddressFields: Sendable {
        var street = ""
        var zip = ""
        var city = ""

        var isEmpty: Bool { street.isEmpty && zip.isEmpty && city.isEmpty }
        var address: Address { Address(street: street, zip: zip, city: city) }
    }

    /// The order's number, made with the form: sending the form twice makes one order.
    var id: String
    var customer = ""
    var lines: [Line]
    var shipping = AddressFields()
    var billing = AddressFields()
    var billingIsShipping = true

    static let linesAtFirst = 3
    static let linesAdded = 3

    /// An empty form.
    init() {
        id = OrderID.make()
        lines = Array(repeating: Line(), count: Self.linesAtFirst)
    }

    init(_ body: FormBody) {
        id = OrderID.isValid(body["id"]) ? body["id"] : OrderID.make()
        customer = body["customer"]
        let counts = body.all("count")
        lines = body.all("item").prefix(NewOrder.mostLines).enumerated().map { index, item in
            Line(item: item, count: index < counts.count ? counts[index] : "")
        }
        shipping = Self.address("shipping", body)
        billing = Self.address("billing", body)
        billingIsShipping = body.contains("billing-is-shipping")
    }

    mutating func addLines() {
        let room = NewOrder.mostLines - lines.count
        lines += Array(repeating: Line(), count: min(Self.linesAdded, max(room, 0)))
    }

    /// The wish in the form, or everything that cannot be understood. An empty line is no line.
    func newOrder() throws -> NewOrder {
        var problems: [String] = []
        let customer = Int(customer)
        if customer == nil { problems.append("Choose who orders.") }
        var wished: [NewOrder.Line] = []
        for (index, line) in lines.enumerated() where !(line.item.isEmpty && line.count.isEmpty) {
            guard let item = line.itemId else {
                problems.append("Line \(index + 1): choose an item.")
                continue
            }
            guard let count = Int(line.count) else {
                problems.append("Line \(index + 1): the count must be a whole number, at least 1.")
                continue
            }
            wished.append(NewOrder.Line(itemId: item, count: count, priceCents: line.priceCents))
        }
        guard problems.isEmpty, let customer else { throw OrderProblems(sentences: problems) }
        return NewOrder(
            id: id, customerId: customer, lines: wished, shippingAddress: shipping.address,
            billingAddress: (billingIsShipping ? shipping : billing).address)
    }

    private static func address(_ name: String, _ body: FormBody) -> AddressFields {
        AddressFields(street: body["\(name)-street"], zip: body["\(name)-zip"], city: body["\(name)-city"])
    }
}

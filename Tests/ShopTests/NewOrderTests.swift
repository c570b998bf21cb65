import Testing

@testable import Shop

@Suite("A new order")
struct NewOrderTests {
    private let items = [1: Item(id: 1, name: "Pen", priceCents: 350), 2: Item(id: 2, name: "Ink", priceCents: 1299)]
    private let customers = [1: Customer(id: 1, name: "Ada", email: "ada@example.org")]
    private let home = Address(street: "Main St 1", zip: "10115", city: "Berlin")

    private func order(
        id: String? = nil, customer: Int = 1, _ lines: [(item: Int, count: Int)], shipping: Address? = nil
    ) throws -> Order {
        let wish = NewOrder(
            id: id, customerId: customer, lines: lines.map { NewOrder.Line(itemId: $0.item, count: $0.count) },
            shippingAddress: shipping ?? home, billingAddress: home)
        return try wish.checked(items: items, customers: customers, placedAt: "2026-03-01T00:00:00.000Z")
    }

    private func problems(_ body: () throws -> Order) -> [String] {
        do {
            _ = try body()
            return []
        } catch let problems as OrderProblems {
            return problems.sentences
        } catch {
            return ["\(error)"]
        }
    }

    @Test("takes names and prices of the moment and adds up exactly")
    func total() throws {
        let order = try order([(1, 3), (2, 2)])
        #expect(order.totalCents == 3 * 350 + 2 * 1299)
        #expect(order.lines.map(\.name) == ["Pen", "Ink"])
        #expect(OrderID.isValid(order.id))
    }

    @Test("without lines is refused")
    func noLines() {
        #expect(problems { try order([]) } == ["An order needs at least one line."])
    }

    @Test("with a count below one, an unknown item or an unknown customer is refused, and every reason is given")
    func reasons() {
        let sentences = problems { try order(customer: 9, [(1, 0), (7, 1), (2, -3)]) }
        #expect(
            sentences == [
                "There is no customer 9.", "Line 1: the count of Pen must be at least 1, but is 0.",
                "Line 2: there is no item 7.", "Line 3: the count of Ink must be at least 1, but is -3.",
            ])
    }

    @Test("at another price than was seen is refused")
    func price() throws {
        func order(seen cents: Int) throws -> Order {
            let line = NewOrder.Line(itemId: 1, count: 1, priceCents: cents)
            let wish = NewOrder(customerId: 1, lines: [line], shippingAddress: home, billingAddress: home)
            return try wish.checked(items: items, customers: customers, placedAt: "2026-03-01T00:00:00.000Z")
        }
        #expect(problems { try order(seen: 300) } == ["Line 1: Pen costs € 3.50 now, no longer € 3.00."])
        #expect(try order(seen: 350).totalCents == 350)
    }

    @Test("with an address that lacks something is refused")
    func address() {
        let sentences = problems { try order([(1, 1)], shipping: Address(street: " ", zip: "1", city: "")) }
        #expect(sentences == ["The shipping address needs a street.", "The shipping address needs a city."])
    }

    @Test("keeps the caller's number, if it can be one")
    func number() throws {
        #expect(try order(id: "mine-1", [(1, 1)]).id == "mine-1")
        #expect(!problems { try order(id: "a/b", [(1, 1)]) }.isEmpty)
    }
}

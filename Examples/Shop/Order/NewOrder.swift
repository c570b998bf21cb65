/// An order as someone would like it, before anything is known to be right.
struct NewOrder: Codable, Sendable {
    struct Line: Codable, Sendable {
        var itemId: Int
        var count: Int
        /// The price that whoever orders has seen; at another one they do not order. Nil when any is right.
        var priceCents: Int?
    }

    /// The caller's own number for the order, so that asking twice is one order; made up when missing.
    var id: String?
    var customerId: Int
    var lines: [Line]
    var shippingAddress: Address
    var billingAddress: Address

    /// How many lines an order may have.
    static let mostLines = 100
    /// How many of one item a line may ask for.
    static let largestCount = 10_000
    /// How many characters each part of an address may have.
    static let longestText = 200

    /// Makes the order with names and prices of today, or says everything that is wrong with it.
    ///
    /// - Throws: ``OrderProblems``, one sentence for each.
    func checked(items: [Int: Item], customers: [Int: Customer], placedAt: String) throws -> Order {
        var problems: [String] = []
        if let id, !OrderID.isValid(id) {
            problems.append("The order number may have up to 64 letters, digits, dots and dashes.")
        }
        let customer = customers[customerId]
        if customer == nil { problems.append("There is no customer \(customerId).") }
        let ordered = checkedLines(items: items, problems: &problems)
        Self.check(shippingAddress, "shipping", &problems)
        Self.check(billingAddress, "billing", &problems)
        guard problems.isEmpty, let customer else { throw OrderProblems(sentences: problems) }
        return Order(
            id: id ?? OrderID.make(), customer: customer, lines: ordered,
            shippingAddress: shippingAddress.trimmed, billingAddress: billingAddress.trimmed,
            totalCents: ordered.reduce(0) { $0 + $1.totalCents }, placedAt: placedAt)
    }

    private func checkedLines(items: [Int: Item], problems: inout [String]) -> [OrderLine] {
        if lines.isEmpty { problems.append("An order needs at least one line.") }
        if lines.count > Self.mostLines { problems.append("An order has at most \(Self.mostLines) lines.") }
        return lines.prefix(Self.mostLines).enumerated().compactMap { index, line in
            guard let item = items[line.itemId] else {
                problems.append("Line \(index + 1): there is no item \(line.itemId).")
                return nil
            }
            guard line.priceCents ?? item.priceCents == item.priceCents else {
                let (now, seen) = (Money(cents: item.priceCents), Money(cents: line.priceCents ?? 0))
                problems.append(
                    "Line \(index + 1): \(item.name) costs \(now.formatted) now, no longer \(seen.formatted).")
                return nil
            }
            guard line.count >= 1 else {
                problems.append(
                    "Line \(index + 1): the count of \(item.name) must be at least 1, but is \(line.count).")
                return nil
            }
            guard line.count <= Self.largestCount else {
                problems.append(
                    "Line \(index + 1): at most \(Self.largestCount) of \(item.name) can be ordered at once.")
                return nil
            }
            return OrderLine(itemId: item.id, name: item.name, priceCents: item.priceCents, count: line.count)
        }
    }

    static func check(_ address: Address, _ name: String, _ problems: inout [String]) {
        for (part, value) in [("street", address.street), ("postal code", address.zip), ("city", address.city)] {
            if value.trimmed.isEmpty { problems.append("The \(name) address needs a \(part).") }
            if value.count > longestText {
                problems.append("The \(name) address's \(part) may have at most \(longestText) characters.")
            }
        }
    }
}

/// Why an order cannot be accepted.
struct OrderProblems: Error {
    var sentences: [String]
}

extension Address {
    var trimmed: Address { Address(street: street.trimmed, zip: zip.trimmed, city: city.trimmed) }
}

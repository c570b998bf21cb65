extension Invoice: DocumentPages {
    struct View: Sendable {
        struct Line: Sendable {
            let name: String
            let price: String
            let count: String
            let total: String
        }
        let customer: String
        let email: String
        let address: Address
        let total: String
        let lines: [Line]
    }

    static let section = Site.Section.invoices

    var title: String { "Invoice \(number)" }

    var view: View {
        View(
            customer: customer, email: email, address: address, total: Money(cents: totalCents).formatted,
            lines: (lines ?? []).map {
                .init(
                    name: $0.name, price: Money(cents: $0.priceCents).formatted, count: $0.count.grouped(),
                    total: Money(cents: $0.totalCents).formatted)
            })
    }
}

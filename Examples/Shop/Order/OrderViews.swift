/// What the order service's templates show.
enum OrderViews {
    struct Row: Sendable {
        let id: String
        let customer: String
        let placedAt: String
        let dateTime: String
        let lineCount: Int
        let total: String

        init(_ order: OrderSummary) {
            id = order.id
            customer = order.customer.name
            placedAt = Readable.time(order.placedAt)
            dateTime = order.placedAt
            lineCount = order.lineCount
            total = Money(cents: order.totalCents).formatted
        }
    }

    struct List: Sendable {
        let rows: [Row]
        let total: String
        /// The address of the next page; nil on the last.
        let older: String?
        let isFirstPage: Bool
        /// The order that was just deleted, if one was.
        let deleted: Deleted?
    }

    struct Deleted: Sendable {
        let id: String
        /// What becomes of its cancellation.
        let fate: String
        let shipmentURL: String
        let invoiceURL: String
        let historyURL: String
    }

    /// An order that is not there.
    struct Missing: Sendable {
        let id: String
        let historyURL: String
    }

    struct Line: Sendable {
        let name: String
        let price: String
        let count: String
        let total: String
    }

    struct Detail: Sendable {
        let id: String
        let customer: Customer
        let placedAt: String
        let dateTime: String
        let lines: [Line]
        let total: String
        let shipping: Address
        let billing: Address
        let shipmentURL: String
        let invoiceURL: String
        /// What was just done, for the one who did it.
        let done: Notice?
    }

    struct Form: Sendable {
        struct Option: Sendable {
            let value: String
            let text: String
            let isChosen: Bool
        }
        struct Line: Sendable {
            let number: Int
            let items: [Option]
            let count: String
        }
        let id: String
        /// What the problems mean for the order.
        let heading: String
        let problems: [String]
        let hasProblems: Bool
        let customers: [Option]
        let lines: [Line]
        let shipping: OrderForm.AddressFields
        let billing: OrderForm.AddressFields
        let billingIsShipping: Bool
        /// Nil while it is not known.
        let sendingTitle: String?

        init(
            _ form: OrderForm, problems: [String], code: Refusal.Code?, items: [Item], customers: [Customer],
            sendingTitle: String?
        ) {
            id = form.id
            heading =
                switch code {
                case nil: "The order was not placed, and nothing was sent."
                case .ghost: "The order was not placed, but others were told of it."
                case .lost, .unknown: "It is not known whether the order was placed."
                }
            self.problems = problems
            hasProblems = !problems.isEmpty
            self.customers = Self.options(chosen: form.customer, among: customers) {
                Option(value: String($0.id), text: $0.name, isChosen: String($0.id) == form.customer)
            }
            lines = form.lines.enumerated().map { index, line in
                Line(
                    number: index + 1,
                    items: Self.options(chosen: line.item, among: items) {
                        Option(
                            value: "\($0.id)@\($0.priceCents)",
                            text: "\($0.name) · \(Money(cents: $0.priceCents).formatted)",
                            isChosen: $0.id == line.itemId)
                    },
                    count: line.count)
            }
            shipping = form.shipping
            billing = form.billing
            billingIsShipping = form.billingIsShipping
            self.sendingTitle = sendingTitle
        }

        /// What can be chosen, and what was chosen even if it cannot be any more.
        private static func options<T>(chosen: String, among all: [T], _ option: (T) -> Option) -> [Option] {
            let options = all.map(option)
            guard !chosen.isEmpty, !options.contains(where: \.isChosen) else { return options }
            return options + [Option(value: chosen, text: "Number \(chosen.prefix { $0 != "@" })", isChosen: true)]
        }
    }

    struct ItemRow: Sendable {
        let id: Int
        let name: String
        let price: String
        /// What is typed in the field of the new price.
        let typed: String
        let problem: String?
    }

    struct Items: Sendable {
        let rows: [ItemRow]
        /// What was just done, for the one who did it.
        let done: String?
    }
}

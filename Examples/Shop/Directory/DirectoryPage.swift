import HTTPTypes
import Hummingbird

/// The directory of customers as a page or JSON: the order service's own, which can be changed, and what others have
/// heard of it.
struct DirectoryPage: Sendable {
    struct Row: Sendable {
        let id: Int
        let name: String
        let email: String
        let street: String
        let zip: String
        let city: String
        let line: String
        let hasAddress: Bool

        init(_ customer: CustomerEntry) {
            (id, name, email) = (customer.id, customer.name, customer.email)
            street = customer.address?.street ?? ""
            zip = customer.address?.zip ?? ""
            city = customer.address?.city ?? ""
            line = customer.address?.line ?? "–"
            hasAddress = customer.address != nil
        }
    }

    let rows: [Row]
    let isOwner: Bool
    let isReading: Bool
    let problem: String?
    let back: String
    let backTitle: String

    init(
        _ customers: [CustomerEntry], isOwner: Bool, isReading: Bool = false, problem: String? = nil,
        section: Site.Section
    ) {
        rows = customers.map(Row.init)
        self.isOwner = isOwner
        self.isReading = isReading
        self.problem = problem
        back = section.path
        backTitle = section.title
    }
}

import Tidings

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

    /// What was just done, and where it can be seen.
    struct Done: Sendable {
        let sentence: String
        let shippingURL: String
        let invoicingURL: String
    }

    let rows: [Row]
    let isOwner: Bool
    /// The way to the end of the topic, for one who reads it and has not come there yet.
    let reading: Reading?
    /// How far it was read, for one who has.
    let hasRead: String?
    let problem: String?
    var done: Done?
    let back: String
    let backTitle: String

    init(
        _ customers: [CustomerEntry], isOwner: Bool, progress: ViewProgress? = nil, problem: String? = nil,
        section: Site.Section
    ) {
        rows = customers.map(Row.init)
        self.isOwner = isOwner
        reading = progress.flatMap { $0.isReady ? nil : Reading($0) }
        hasRead = progress.flatMap { progress in
            guard progress.isReady else { return nil }
            let count =
                "\(Readable.count(progress.records, "record")) of the topic read since this service’s page started; "
            let time = Readable.duration(milliseconds: Int64(progress.elapsed / .milliseconds(1)))
            return count
                + (progress.total == 0 ? "it was empty then." : "it took \(time) to come to where it ended then.")
        }
        self.problem = problem
        back = section.path
        backTitle = section.title
    }
}

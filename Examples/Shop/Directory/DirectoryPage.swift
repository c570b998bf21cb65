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
        let problem: String?

        init(_ customer: CustomerEntry, _ attempt: Attempt? = nil) {
            (id, name, email) = (customer.id, customer.name, customer.email)
            let shown = attempt?.address ?? customer.address
            street = shown?.street ?? ""
            zip = shown?.zip ?? ""
            city = shown?.city ?? ""
            line = customer.address?.line ?? "–"
            hasAddress = customer.address != nil
            problem = attempt?.problem
        }
    }

    /// A change that was refused: what was typed is kept beside the reason.
    struct Attempt: Sendable {
        let customer: Int
        let address: Address?
        let problem: String
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
    var done: Done?
    let back: String
    let backTitle: String

    init(
        _ customers: [CustomerEntry], isOwner: Bool, progress: ViewProgress? = nil, attempt: Attempt? = nil,
        section: Site.Section
    ) {
        rows = customers.map { Row($0, $0.id == attempt?.customer ? attempt : nil) }
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
        back = section.path
        backTitle = section.title
    }
}

import Tidings

/// A customer as the directory has them: who they are now, not who they were when they ordered something.
struct CustomerEntry: Codable, Sendable, Equatable {
    var id: Int
    var name: String
    var email: String
    var address: Address?
}

/// A customer is new, or something about them has changed. Carries all there is to know, so that the newest one of a
/// customer says everything, and the compacted topic need not keep the others.
struct CustomerChanged: Event, Equatable {
    static let eventType = "shop.customer.changed"

    var customer: CustomerEntry

    var key: String { String(customer.id) }
}

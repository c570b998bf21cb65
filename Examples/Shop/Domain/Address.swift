/// Where something is sent: a parcel or an invoice.
struct Address: Codable, Hashable, Sendable {
    var street: String
    var zip: String
    var city: String

    /// One line, as on a list.
    var line: String { "\(street), \(zip) \(city)" }
}

/// One run of a sweep: a way of sending, on a database, with a fault.
public struct Trial: Hashable, Sendable, Codable, CustomStringConvertible {
    /// How events are sent.
    public var way: Way
    /// The kind of database, in words.
    public var database: String
    /// What is done to the system.
    public var fault: Fault

    /// A trial of this way on this kind of database with this fault.
    public init(_ way: Way, on database: String, _ fault: Fault) {
        self.way = way
        self.database = database
        self.fault = fault
    }

    /// The name that its files have.
    public var name: String { "\(way.rawValue)-\(database.lowercased())-\(fault.slug)" }

    public var description: String { "\(way) on \(database): \(fault)" }
}

/// Which API a request belongs to: the first number of every request.
///
///     APIKey.fetch.rawValue   // 1
///     APIKey.fetch.name       // "Fetch"
public struct APIKey: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public var rawValue: Int16

    public init(rawValue: Int16) { self.rawValue = rawValue }

    /// Kafka's own name, such as `Fetch`; `API_<number>` when unknown.
    public var name: String { Self.table[rawValue]?.name ?? "API_\(rawValue)" }

    /// The first version with compact lengths and tagged fields (KIP-482); `nil` when there is none.
    public var firstFlexibleVersion: Int16? { Self.flexibleVersions(rawValue) }

    /// Whether this API's requests and responses of `version` are in the flexible encoding.
    public func isFlexible(in version: Int16) -> Bool {
        guard let first = firstFlexibleVersion else { return false }
        return version >= first
    }

    public var description: String { name }

    /// The table as an array, since this is asked for every message.
    private static let flexible: [Int16?] = (0...75).map { table[$0]?.firstFlexibleVersion }

    private static func flexibleVersions(_ key: Int16) -> Int16? {
        flexible.indices.contains(Int(key)) ? flexible[Int(key)] : nil
    }
}

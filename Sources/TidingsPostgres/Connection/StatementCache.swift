/// The prepared statements of one connection, by their text and the types of their parameters.
struct StatementCache {
    private struct Entry {
        var name: String
        var lastUse: UInt64
    }

    let capacity: Int
    private var entries: [PostgresRequest.Shape: Entry] = [:]
    private var clock: UInt64 = 0
    private var named: UInt64 = 0

    init(capacity: Int) {
        self.capacity = capacity
    }

    /// The name under which the server knows the statement already.
    mutating func name(of shape: PostgresRequest.Shape) -> String? {
        clock += 1
        guard let place = entries.index(forKey: shape) else { return nil }
        entries.values[place].lastUse = clock
        return entries.values[place].name
    }

    /// A name that this connection has never used.
    mutating func newName() -> String {
        named += 1
        return "tidings_\(named)"
    }

    /// Notes a statement that the server has prepared.
    mutating func insert(_ name: String, for shape: PostgresRequest.Shape) {
        clock += 1
        entries[shape] = Entry(name: name, lastUse: clock)
    }

    /// Forgets the statements that are too many, and returns their names for the server to forget, too.
    mutating func evictions(makingRoomFor count: Int) -> [String] {
        var names: [String] = []
        while !entries.isEmpty, entries.count + count > capacity {
            guard let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { break }
            entries.removeValue(forKey: oldest.key)
            names.append(oldest.value.name)
        }
        return names
    }

    mutating func forget(_ shape: PostgresRequest.Shape) {
        entries.removeValue(forKey: shape)
    }

    mutating func forgetAll() {
        entries = [:]
    }
}

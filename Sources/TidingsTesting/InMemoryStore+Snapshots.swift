import Tidings

extension InMemoryStore {
    public func keepSnapshot(_ bytes: [UInt8]?, of view: String, in transaction: Transaction) throws {
        transaction.tables.snapshots[view] = bytes
    }

    public func snapshot(of view: String, in transaction: Transaction) throws -> [UInt8]? {
        transaction.tables.snapshots[view]
    }

    public func snapshotStart(of view: String, in transaction: Transaction) throws -> [UInt8]? {
        transaction.tables.snapshots[view].map { Array($0.prefix(1 << 20)) }
    }

    public func viewsWithSnapshots(in transaction: Transaction) throws -> [String] {
        Array(transaction.tables.snapshots.keys)
    }
}

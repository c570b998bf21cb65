import Dispatch

/// Where a view's snapshots are kept: a file, or the service's own database.
public struct SnapshotPlace: Sendable, CustomStringConvertible {
    public let description: String

    let read: @Sendable (_ view: String) async throws -> [UInt8]?

    /// Puts a snapshot in the place of the one before, unless that one's beginning says that it stays; tells whether it
    /// did.
    let replace:
        @Sendable (_ bytes: [UInt8], _ view: String, _ stays: @escaping @Sendable (_ start: [UInt8]) -> Bool)
            async throws -> Bool

    /// Whether an error of reading passes by itself.
    var passes: @Sendable (any Error) -> Bool = { _ in false }

    /// The place for a partition of a view, which has a name of its own; nil: the same.
    var part: (@Sendable (_ number: Int32) -> SnapshotPlace)?

    /// A file, replaced as a whole; deleting it has the view read from the beginning. A ``PartitionedView`` has one for each
    /// partition, with its number at the end of the name.
    public static func file(_ path: String) -> SnapshotPlace {
        SnapshotPlace(description: path) { _ in
            try await blocking { try SnapshotFile.read(path) }
        } replace: { bytes, _, stays in
            try await blocking {
                if let start = try? SnapshotFile.read(path, atMost: SnapshotContent.startSize), stays(start) {
                    return false
                }
                try SnapshotFile.write(bytes, to: path)
                return true
            }
        } part: { number in
            .file("\(path)-\(number)")
        }
    }

    /// The service's database, in a table of Tidings', under the view's name. Instances that share the database share the
    /// snapshot: the newest one stays, whoever took it. ``removeSnapshot(of:from:)`` deletes it.
    public static func database(_ store: some Store) -> SnapshotPlace {
        SnapshotPlace(description: "the database") { view in
            try await store.transaction { try store.snapshot(of: view, in: $0) }
        } replace: { bytes, view, stays in
            try await store.transaction { transaction in
                if let start = try store.snapshotStart(of: view, in: transaction), stays(start) { return false }
                try store.keepSnapshot(bytes, of: view, in: transaction)
                return true
            }
        } passes: {
            store.isRetriable($0)
        }
    }

    /// Deletes a view's snapshot from a database, of a ``PartitionedView`` those of all its partitions, wherever they are
    /// held; the view reads from the beginning at its next start.
    public static func removeSnapshot(of view: String, from store: some Store) async throws {
        try await store.transaction { transaction in
            for name in try store.viewsWithSnapshots(in: transaction).sorted()
            where name == view || isPart(name, of: view) {
                try store.keepSnapshot(nil, of: name, in: transaction)
            }
        }
    }

    /// The name of a partition of a view.
    static func part(_ number: Int32, of view: String) -> String { "\(view)/\(number)" }

    private static func isPart(_ name: String, of view: String) -> Bool {
        guard name.hasPrefix(view), let number = Int32(name.dropFirst(view.count + 1)) else { return false }
        return name == part(number, of: view) && number >= 0
    }
}

/// Runs what may take its time on a thread of Dispatch's.
func blocking<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global(qos: .utility).async { continuation.resume(with: Result(catching: body)) }
    }
}

import Dispatch

/// Where a view's snapshots are kept: a file, or the service's own database.
public struct SnapshotPlace: Sendable, CustomStringConvertible {
    public let description: String

    let read: @Sendable (_ view: String) async throws -> [UInt8]?
    let write: @Sendable (_ bytes: [UInt8], _ view: String) async throws -> Void

    /// The place for a partition of a view, which has a name of its own; nil: the same.
    var part: (@Sendable (_ number: Int32) -> SnapshotPlace)?

    /// A file, replaced as a whole; deleting it has the view read from the beginning. A ``PartitionedView`` has one for each
    /// partition, with its number at the end of the name.
    public static func file(_ path: String) -> SnapshotPlace {
        SnapshotPlace(description: path) { _ in
            try await blocking { try SnapshotFile.read(path) }
        } write: { bytes, _ in
            try await blocking { try SnapshotFile.write(bytes, to: path) }
        } part: { number in
            .file("\(path)-\(number)")
        }
    }

    /// The service's database, in a table of Tidings', under the view's name. Instances that share the database share the
    /// snapshot: the newest one counts, whoever took it. ``removeSnapshot(of:from:)`` deletes it.
    public static func database(_ store: some Store) -> SnapshotPlace {
        SnapshotPlace(description: "the database") { view in
            try await store.transaction { try store.snapshot(of: view, in: $0) }
        } write: { bytes, view in
            try await store.transaction { try store.keepSnapshot(bytes, of: view, in: $0) }
        }
    }

    /// Deletes a view's snapshot from a database; the view reads from the beginning at its next start.
    public static func removeSnapshot(of view: String, from store: some Store) async throws {
        try await store.transaction { try store.keepSnapshot(nil, of: view, in: $0) }
    }
}

/// Runs what may take its time on a thread of Dispatch's.
func blocking<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global(qos: .utility).async { continuation.resume(with: Result(catching: body)) }
    }
}

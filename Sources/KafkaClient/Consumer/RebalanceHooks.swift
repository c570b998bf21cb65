/// Where reading starts in a partition.
public struct StartOffset: Hashable, Sendable, CustomStringConvertible {
    let rawValue: Int64

    /// At this offset.
    public static func at(_ offset: Int64) -> StartOffset { StartOffset(rawValue: offset) }
    /// At the first record that is still there.
    public static let beginning = StartOffset(rawValue: -2)
    /// After the last record.
    public static let end = StartOffset(rawValue: -1)
    /// At the group's committed offset, or where the configuration says if there is none.
    public static let committed = StartOffset(rawValue: -1001)

    public var description: String {
        switch self {
        case .beginning: "beginning"
        case .end: "end"
        case .committed: "committed"
        default: "\(rawValue)"
        }
    }
}

/// What is asked and told when a group's partitions change hands.
///
/// Both are awaited: no record of a partition is handed out before `assigned` has returned, and in a rebalance no
/// partition is given up before the reader is done with its last batch and `revoked` has returned. A shutdown waits for
/// them too, but only until its deadline (``ConsumerConfiguration/shutdownTimeout``): then the partition may be another
/// member's while a reader still works on it. Who must not have two effects compares the stored offset in the
/// transaction that makes the effect. One hook runs at a time. When the task of ``Consumer/run()`` is cancelled, as
/// opposed to shut down, `revoked` is not called.
public struct RebalanceHooks: Sendable {
    /// These partitions came to this member. Returns where each starts; those left out start at the committed offset.
    /// An error ends the consumer: ``Consumer/run()`` and the batches throw it.
    public var assigned: @Sendable ([TopicPartition]) async throws -> [TopicPartition: StartOffset]
    /// These partitions leave this member. If `isLost`, another member may have them already.
    public var revoked: @Sendable (_ partitions: [TopicPartition], _ isLost: Bool) async -> Void

    /// Hooks that do nothing where nothing is given.
    public init(
        assigned: @escaping @Sendable ([TopicPartition]) async throws -> [TopicPartition: StartOffset] = { _ in [:] },
        revoked: @escaping @Sendable (_ partitions: [TopicPartition], _ isLost: Bool) async -> Void = { _, _ in }
    ) {
        self.assigned = assigned
        self.revoked = revoked
    }
}

/// A hook to be run, and who waits for its end.
struct HookCall: Sendable {
    enum Hook: Sendable {
        case assigned([TopicPartition])
        case revoked([TopicPartition], isLost: Bool)
    }

    let hook: Hook
    let answer: @Sendable (Result<[TopicPartition: StartOffset], any Error>) -> Void

    func run(_ hooks: RebalanceHooks) async throws {
        do {
            var starts: [TopicPartition: StartOffset] = [:]
            switch hook {
            case .assigned(let partitions): starts = try await hooks.assigned(partitions)
            case .revoked(let partitions, let isLost): await hooks.revoked(partitions, isLost)
            }
            answer(.success(starts))
        } catch {
            answer(.failure(error))
            throw error
        }
    }
}

import Tidings

/// What every store must do, as checks that a store's own tests run.
///
/// ```swift
/// @Test("the store keeps its promises", arguments: StoreConformance<SQLiteStore>.checks)
/// func conforms(_ check: StoreConformance<SQLiteStore>.Check) async throws {
///     let directory = try TemporaryDirectory.make(prefix: "conformance")
///     defer { try? TemporaryDirectory.remove(directory) }
///     try await check.run { try SQLiteStore(path: directory + "/test.sqlite") }
/// }
/// ```
public enum StoreConformance<S: Store> {
    /// Opens a store on the check's database, which is empty before the check and may be opened several times in it.
    public typealias Open = @Sendable () async throws -> S

    /// One promise.
    public struct Check: Sendable, CustomStringConvertible {
        /// The promise in words.
        public let description: String

        private let body: @Sendable (Open) async throws -> Void

        init(_ description: String, _ body: @escaping @Sendable (Open) async throws -> Void) {
            self.description = description
            self.body = body
        }

        /// - Throws: ``ConformanceFailure``, or whatever the store throws.
        public func run(_ open: Open) async throws {
            try await body(open)
        }
    }

    /// All promises.
    public static var checks: [Check] {
        outboxChecks + relayChecks + parkedChecks + leaseChecks + subscriptionChecks + deadLetterChecks
            + snapshotChecks
    }
}

/// A promise that a store does not keep.
public struct ConformanceFailure: Error, CustomStringConvertible {
    public let description: String
}

func expect(_ isTrue: Bool, _ promise: @autoclosure () -> String) throws {
    if !isTrue { throw ConformanceFailure(description: promise()) }
}

func expectEqual<T: Equatable>(_ actual: T, _ expected: T, _ promise: @autoclosure () -> String) throws {
    if actual != expected {
        throw ConformanceFailure(description: "\(promise()): expected \(expected), got \(actual)")
    }
}

/// The error that checks throw to roll a transaction back.
struct RollBack: Error {}

extension Store {
    /// Appends records in one transaction.
    func append(_ records: [EventRecord]) async throws {
        let store = self
        try await transaction { transaction in
            for record in records { try store.append(record, in: transaction) }
        }
    }

    /// What is open, or else a new batch of each shard.
    ///
    /// Behind a batch that is under way it is as a relay does it that goes on: the shards keep their epoch.
    func claim(
        _ count: Int = 1000, bytes: Int = .max, behind underWay: [OutboxEntry] = []
    ) async throws -> [OutboxEntry] {
        let store = self
        return try await transaction { transaction in
            let shards = try store.outboxShards(in: transaction).map(\.number)
            if let last = underWay.map(\.batch.number).max() {
                let batches = shards.map { OutboxBatch(shard: $0, number: last + 1) }
                return try store.claim(
                    ClaimRequest(batches: batches, maximumCount: count, maximumBytes: bytes, underWay: underWay),
                    in: transaction)
            }
            let epochs = try store.assign(shards, to: "test", in: transaction)
            let open = try store.openBatches(of: shards, in: transaction)
            if !open.isEmpty { return open }
            let batches = epochs.map { OutboxBatch(shard: $0.number, number: $0.epoch) }
            return try store.claim(
                ClaimRequest(batches: batches, maximumCount: count, maximumBytes: bytes), in: transaction)
        }
    }

    /// Settles the batches of `claimed`, by default as sent altogether.
    func settle(
        _ claimed: [OutboxEntry], sent: [OutboxEntry]? = nil, parked: [OutboxParking] = [], kept: [OutboxEntry] = []
    ) async throws {
        let store = self
        let settlement = OutboxSettlement(
            batches: Set(claimed.map(\.batch)).sorted { ($0.shard, $0.number) < ($1.shard, $1.number) },
            sent: sent ?? claimed, parked: parked, kept: kept)
        try await transaction { try store.settle(settlement, in: $0) }
    }

    func status() async throws -> OutboxStatus {
        let store = self
        return try await transaction { try store.outboxStatus(in: $0) }
    }
}

extension EventRecord {
    static func test(_ id: String, topic: String = "test", key: String? = "k", size: Int = 3) -> EventRecord {
        EventRecord(
            eventID: EventID(id), topic: topic, key: key.map { Array($0.utf8) },
            headers: [EventHeader("ce_id", id)], value: [UInt8](repeating: 0x78, count: size))
    }
}

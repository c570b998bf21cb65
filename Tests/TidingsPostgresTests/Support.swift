import Dispatch
import Logging
import Processes
import Synchronization
import Tidings
import TidingsPostgres

/// A pool on a schema of its own, which is gone afterwards, in a database that tests share.
func withSchema<T: Sendable>(
    _ adjust: @Sendable (inout PostgresConfiguration) -> Void = { _ in },
    _ body: @Sendable (PostgresPool) async throws -> T
) async throws -> T {
    var configuration = PostgresConfiguration(try await PostgresServer.sharedURL())
    let name = "tidings_test_\(UInt64.random(in: 0 ..< .max))"
    let owner = PostgresPool(configuration, logger: quiet)
    defer { owner.close() }
    try await owner.transaction { db in try db.execute("create schema \(name)") }
    configuration.parameters["options"] = "-c search_path=\(name)"
    adjust(&configuration)
    let pool = PostgresPool(configuration, logger: quiet)
    let outcome: Result<T, any Error>
    do {
        outcome = .success(try await body(pool))
    } catch {
        outcome = .failure(error)
    }
    pool.close()
    try await owner.transaction { db in try db.execute("drop schema \(name) cascade") }
    return try outcome.get()
}

/// A pool on a database of its own.
func withPool<T: Sendable>(
    _ adjust: @Sendable (inout PostgresConfiguration) -> Void = { _ in },
    _ body: @Sendable (PostgresPool) async throws -> T
) async throws -> T {
    try await withPostgresDatabase { url in
        var configuration = PostgresConfiguration(url)
        adjust(&configuration)
        let pool = PostgresPool(configuration, logger: quiet)
        defer { pool.close() }
        return try await body(pool)
    }
}

/// A store on a database of its own.
func withStore<T: Sendable>(
    _ adjust: @Sendable (inout PostgresConfiguration) -> Void = { _ in },
    _ body: @Sendable (PostgresStore) async throws -> T
) async throws -> T {
    try await withPool(adjust) { pool in
        try await PostgresSchema.migrate(pool)
        return try await body(PostgresStore(pool: pool))
    }
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// The error that `body` throws, if it is one of PostgreSQL's.
func postgresError<T>(_ body: () async throws -> T) async -> PostgresError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? PostgresError
    }
}

/// Tries again while the database refuses for reasons that pass.
@discardableResult
func persistently<R>(_ store: PostgresStore, _ attempt: () async throws -> R) async throws -> R {
    while true {
        do {
            return try await attempt()
        } catch  where store.isRetriable(error) {
            await Task.yield()
        }
    }
}

/// An event of key `key`; its id tells it from others.
func record(_ id: String, key: String?, topic: String = "order") -> EventRecord {
    EventRecord(
        eventID: EventID(id), topic: topic, key: key.map { Array($0.utf8) },
        headers: [EventHeader("ce_id", id), EventHeader("empty", nil as [UInt8]?)], value: Array("{}".utf8))
}

extension PostgresStore {
    /// The ids in the outbox as a relay would claim them.
    func claimedIDs() async throws -> [String] {
        try await transaction { db in
            try self.claimOldest(in: db)
        }.map(\.record.eventID.rawValue)
    }
}

/// A gate that one side opens and others wait at, for interleaving transactions by hand.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var tasks: [CheckedContinuation<Void, Never>] = []
        var threads: [DispatchSemaphore] = []
    }

    private let state = Mutex(State())

    func open() {
        state.withLock { state in
            state.isOpen = true
            for task in state.tasks { task.resume() }
            for thread in state.threads { thread.signal() }
            (state.tasks, state.threads) = ([], [])
        }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.isOpen { continuation.resume() } else { state.tasks.append(continuation) }
            }
        }
    }

    /// For closures on a connection's thread, which may block.
    func waitBlocking() {
        let semaphore = DispatchSemaphore(value: 0)
        state.withLock { state in
            if state.isOpen { semaphore.signal() } else { state.threads.append(semaphore) }
        }
        semaphore.wait()
    }
}

/// Lets threads go on when all have arrived.
final class Meeting: Sendable {
    private let missing: Mutex<Int>
    private let complete = Gate()

    init(of count: Int) { missing = Mutex(count) }

    func arrive() {
        let isLast = missing.withLock { missing in
            missing -= 1
            return missing == 0
        }
        if isLast { complete.open() }
        complete.waitBlocking()
    }
}

extension PostgresStore {
    private static let numbers = Atomic<Int64>(1)

    /// Claims the oldest entries of all shards, in the order of their numbers, whatever was claimed before.
    func claimOldest(_ count: Int = 1000, bytes: Int = 1 << 20, in db: PostgresTransaction) throws -> [OutboxEntry] {
        let shards = try outboxShards(in: db).map(\.number)
        while true {
            let open = try openBatches(of: shards, in: db)
            if open.isEmpty { break }
            try settle(OutboxSettlement(batches: Array(Set(open.map(\.batch)))), in: db)
        }
        let number = Self.numbers.add(1, ordering: .relaxed).newValue
        let batches = shards.map { OutboxBatch(shard: $0, number: number) }
        return try claim(ClaimRequest(batches: batches, maximumCount: count, maximumBytes: bytes), in: db)
            .sorted { $0.sequence < $1.sequence }
    }

    /// Settles the entries' batches as sent.
    func settleAsSent(_ entries: [OutboxEntry], in db: PostgresTransaction) throws {
        try settle(OutboxSettlement(batches: Array(Set(entries.map(\.batch))), sent: entries), in: db)
    }
}

import Processes
import Tidings
import TidingsPostgres
import TidingsTesting

/// A store whose outbox is the log of a database of its own, on a server that the tests start: it has to be set up for it.
func withLogStore<T: Sendable>(_ body: @Sendable (PostgresStore) async throws -> T) async throws -> T {
    try await withPostgresDatabase(onOwnServer: true) { url in
        let store = try await PostgresStore(PostgresConfiguration(url), outbox: .log, logger: quiet)
        let outcome: Result<T, any Error>
        do {
            outcome = .success(try await body(store))
        } catch {
            outcome = .failure(error)
        }
        store.close()
        // So that the server need not keep its log for the rest of the tests.
        let pool = PostgresPool(PostgresConfiguration(url), logger: quiet)
        defer { pool.close() }
        try await PostgresLog.remove(pool)
        return try outcome.get()
    }
}

extension PostgresStore {
    /// As another process would open it.
    func again() async throws -> PostgresStore {
        try await PostgresStore(pool.configuration, outbox: .log, logger: quiet)
    }

    func append(_ ids: String..., key: String? = "k", value: [UInt8]? = nil) async throws {
        try await transaction { db in
            for id in ids {
                var event = record(id, key: key)
                if let value { event.value = value }
                try self.append(event, in: db)
            }
        }
    }

    /// A relay that finds things out quickly.
    func relay(
        to sender: any RecordSender, named name: String = "relay", probe: (any Probe)? = nil,
        _ adjust: (inout OutboxRelayConfiguration) -> Void = { _ in }
    ) -> OutboxRelay<PostgresStore> {
        var configuration = OutboxRelayConfiguration()
        configuration.instanceID = name
        configuration.pollInterval = .milliseconds(50)
        configuration.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(20))
        adjust(&configuration)
        return OutboxRelay(store: self, producer: sender, configuration: configuration, probe: probe, logger: quiet)
    }

    /// Relays while `body` runs.
    func relaying<R: Sendable>(
        _ relay: OutboxRelay<PostgresStore>, _ body: () async throws -> R
    ) async throws -> R {
        let relaying = Task { try await relay.run() }
        let outcome: Result<R, any Error>
        do {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        relaying.cancel()
        let end = await relaying.result
        if case .success = outcome, case .failure(let error) = end, !(error is CancellationError) { throw error }
        return try outcome.get()
    }

    /// How the slot stands.
    func slot() async throws -> (confirmed: String, isActive: Bool) {
        try await transaction { db in
            let row = try db.query(
                """
                select confirmed_flush_lsn::text, active from pg_replication_slots join tidings_outbox_log on slot_name = slot
                """)[0]
            return (try row[0], try row[1])
        }
    }
}

/// Drops an outbox's slot, whoever reads it.
func dropSlot(_ pool: PostgresPool) async throws {
    while true {
        do {
            return try await pool.transaction { db in
                _ = try db.query(
                    """
                    select pg_terminate_backend(active_pid, 5000) from pg_replication_slots join tidings_outbox_log on
                        slot_name = slot where active
                    """)
                _ = try db.query("select pg_drop_replication_slot(slot) from tidings_outbox_log")
            }
        } catch let error as PostgresError where error.sqlState?.rawValue == "55006" {
            // Its reader was quicker.
        }
    }
}

extension RecordingSender {
    var ids: [String] { records.map(\.eventID.rawValue) }

    func ids(atLeast count: Int) async -> [String] {
        _ = await records(atLeast: count)
        return ids
    }
}

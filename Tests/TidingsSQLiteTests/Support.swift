import GRDB
import Synchronization
import Tidings
import TidingsSQLite

extension SQLiteStore {
    private static let numbers = Atomic<Int64>(1)

    /// Claims the oldest entries of all shards, in the order of their numbers, whatever was claimed before.
    func claimOldest(_ count: Int = 1000, bytes: Int = 1 << 20, in db: Database) throws -> [OutboxEntry] {
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
    func settleAsSent(_ entries: [OutboxEntry], in db: Database) throws {
        try settle(OutboxSettlement(batches: Array(Set(entries.map(\.batch))), sent: entries), in: db)
    }
}

import Testing
import TidingsPostgres
import TidingsTesting

@Suite("The store's seam on PostgreSQL", .serialized, .timeLimit(.minutes(3)))
struct ConformanceTests {
    @Test("the store keeps every promise of the seam", arguments: StoreConformance<PostgresStore>.checks)
    func conforms(_ check: StoreConformance<PostgresStore>.Check) async throws {
        try await withSchema({ $0.maximumConnections = 4 }) { pool in
            try await check.run { try await PostgresStore(pool.configuration, logger: quiet) }
        }
    }
}

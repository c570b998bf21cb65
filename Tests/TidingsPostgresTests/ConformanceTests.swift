import Processes
import Testing
import TidingsPostgres
import TidingsTesting

@Suite("The store's seam on PostgreSQL", .serialized, .timeLimit(.minutes(3)))
struct ConformanceTests {
    @Test("the store keeps every promise of the seam", arguments: StoreConformance<PostgresStore>.checks)
    func conforms(_ check: StoreConformance<PostgresStore>.Check) async throws {
        try await withPostgresDatabase { url in
            var configuration = PostgresConfiguration(url)
            configuration.maximumConnections = 4
            try await check.run { [configuration] in try await PostgresStore(configuration, logger: quiet) }
        }
    }
}

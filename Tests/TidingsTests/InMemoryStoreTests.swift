import Testing
import TidingsTesting

@Suite struct InMemoryStoreTests {
    @Test(
        "the store without a database keeps every promise of the seam",
        arguments: StoreConformance<InMemoryStore>.checks)
    func conforms(_ check: StoreConformance<InMemoryStore>.Check) async throws {
        let store = InMemoryStore()
        try await check.run { store }
    }
}

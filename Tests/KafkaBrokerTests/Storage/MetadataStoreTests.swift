import KafkaLog
import Testing

@testable import KafkaBroker

@Suite("The file of topics and properties")
struct MetadataStoreTests {
    @Test(
        "what a start has read is on the disk, even if a kill came before the rename was", arguments: 0..<12)
    func readIsDurable(changes: Int) throws {
        let files = CuttingFileSystem(SimulatedFileSystem(seed: UInt64(changes)))
        try files.createDirectories("/data")
        let store = try MetadataStore(directory: "/data", files: files)
        files.cut(after: changes, .processKill)
        try? store.update { $0.nextProducerID = 1000 }
        files.cut(.processKill)
        files.revive()
        let read = try MetadataStore(directory: "/data", files: files).image.nextProducerID
        files.cut(.powerCut)
        files.revive()
        #expect(try MetadataStore(directory: "/data", files: files).image.nextProducerID == read)
    }
}

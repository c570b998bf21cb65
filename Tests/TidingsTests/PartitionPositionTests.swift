import KafkaClient
import Testing

@testable import Tidings

@Suite struct PartitionPositionTests {
    private let partition = TopicPartition("order", 0)

    @Test("records in order leave no gap, wherever they start")
    func inOrder() throws {
        var resumed = PartitionPosition(start: 5)
        #expect(try resumed.received([5, 6, 7], of: partition) == nil)
        #expect(try resumed.received([8], of: partition) == nil)
        var new = PartitionPosition(start: nil)
        #expect(try new.received([100, 101], of: partition) == nil)
        #expect(try new.received([102], of: partition) == nil)
    }

    @Test("any gap right after the start is looked into, later ones from two offsets on")
    func gaps() throws {
        var position = PartitionPosition(start: 5)
        #expect(try position.received([6, 8], of: partition) == 5..<6)
        #expect(try position.received([10, 11, 13], of: partition) == nil)
        #expect(try position.received([14, 17, 30], of: partition) == 15..<17)
        #expect(try position.received([40], of: partition) == 31..<40)
    }

    @Test("a first record before the stored offset means that the log ends before it")
    func beyondTheLog() throws {
        var position = PartitionPosition(start: 5)
        let error = #expect(throws: TidingsError.self) { try position.received([0], of: partition) }
        #expect(error?.code == .offsetBeyondLog)
    }

    @Test(
        "a record before the last one that was read is a redelivery, or the log has lost its end: that is to be asked")
    func goesBack() throws {
        var position = PartitionPosition(start: 5)
        #expect(try position.received([5, 6, 7], of: partition) == nil)
        #expect(position.repeated == nil)
        #expect(try position.received([2, 3, 6, 7, 8, 9], of: partition) == nil)
        #expect(position.repeated.take() == 2..<8)
        #expect(try position.received([10], of: partition) == nil)
        #expect(position.repeated == nil)
    }
}

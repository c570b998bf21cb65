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

    @Test("a record before the last one that was read means that the log has lost its end meanwhile")
    func lostEnd() throws {
        var position = PartitionPosition(start: 5)
        #expect(try position.received([5, 6, 7], of: partition) == nil)
        let error = #expect(throws: TidingsError.self) { try position.received([0, 1], of: partition) }
        #expect(error?.code == .offsetBeyondLog)
    }
}

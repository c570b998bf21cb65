import Glibc
import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

/// What the broker reads back from its own logs.
@Suite("Stored records")
struct StoredRecordTests {
    static let seeds: Range<UInt64> = 0..<(getenv("TIDINGS_PROVE") == nil ? 1 : 50)

    private static let offset = GroupRecord.offset(
        group: "g", TopicPartition(topic: "t", partition: 3),
        CommittedOffset(offset: 7, metadata: "note", commitTimestamp: 5, topicID: KafkaUUID(high: 1, low: 2)))
    private static let group = GroupRecord.group(
        "g",
        GroupSnapshot(
            groupID: "g", generation: 4, protocolType: "consumer", protocolName: "range", leader: "m",
            members: [
                GroupSnapshot.Member(
                    id: "m", instanceID: "i", clientID: "c", clientHost: "/h", sessionTimeout: 6000,
                    rebalanceTimeout: 9000, metadata: [1, 2], assignment: [3])
            ]))
    private static let transaction = TransactionRecord(
        id: "x",
        image: Transaction.Image(
            producerID: 9, epoch: 1, timeout: 60_000, status: .ongoing,
            partitions: [TopicPartition(topic: "t", partition: 0), TopicPartition(topic: "t", partition: 1)],
            startTime: 1, lastUpdate: 2))

    @Test("come back as they were written")
    func roundTrip() throws {
        for record in [Self.offset, Self.group] {
            let stored = try record.encoded(now: 0)
            let again = try GroupRecord(key: stored.key, value: stored.value).encoded(now: 0)
            #expect(again.key == stored.key && again.value == stored.value)
        }
        let stored = try Self.transaction.encoded()
        #expect(try TransactionRecord(key: stored.key, value: stored.value) == Self.transaction)
    }

    @Test("with changed bytes are refused or read as something else, and never trap", arguments: seeds)
    func changedBytes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let stored = try [Self.offset, Self.group].map { try $0.encoded(now: 0) }
        let transaction = try Self.transaction.encoded()
        for _ in 0..<3000 {
            for (key, value) in stored {
                _ = try? GroupRecord(key: changed(key, &random), value: value.map { changed($0, &random) })
            }
            _ = try? TransactionRecord(
                key: changed(transaction.key, &random), value: transaction.value.map { changed($0, &random) })
        }
    }

    private func changed(_ bytes: ByteBuffer, _ random: inout SeededRandom) -> ByteBuffer {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let place = Int.random(in: 0..<bytes.readableBytes, using: &random)
            bytes.setInteger(UInt8.random(in: 0...255, using: &random), at: place)
        }
        if random.chance(20) { bytes.moveWriterIndex(to: Int.random(in: 1...bytes.writerIndex, using: &random)) }
        return bytes
    }
}

import Testing

@testable import Tidings

@Suite struct RelayBatchTests {
    private func entry(_ sequence: Int64, _ key: String?, size: Int = 1, behind: Bool = false) -> OutboxEntry {
        let record = EventRecord(
            eventID: EventID("\(sequence)"), topic: "t", key: key.map { Array($0.utf8) }, headers: [],
            value: [UInt8](repeating: 0, count: size))
        let stamp = EventStamp(source: StampSource(outbox: "o", shard: 0), batch: 7, index: Int32(sequence))
        return OutboxEntry(sequence: sequence, stamp: stamp, record: record, appendedAt: .now(), isBehindParked: behind)
    }

    private let sent = SendOutcome.sent(partition: 0, offset: 0)
    private let later = SendOutcome.failed(SendFailure(message: "later", isRetriable: true))
    private let never = SendOutcome.failed(SendFailure(message: "never", isRetriable: false))
    private let broken = SendOutcome.failed(SendFailure(message: "broken", isRetriable: false, isFatal: true))

    @Test("what is too large is parked with what follows of its key; the rest goes")
    func tooLarge() {
        let batch = RelayBatch(
            claimed: [
                entry(1, "a"), entry(2, "a", size: 99), entry(3, "b"), entry(4, "a"), entry(5, nil, size: 99),
                entry(6, nil),
            ],
            maximumRecordBytes: 50)
        #expect(batch.sending.map(\.sequence) == [1, 3, 6])
        #expect(batch.parked.map(\.entry.sequence) == [2, 4, 5])
    }

    @Test("what stands behind a parked event is parked")
    func behind() {
        let batch = RelayBatch(claimed: [entry(1, "a", behind: true), entry(2, "b")], maximumRecordBytes: 50)
        #expect(batch.sending.map(\.sequence) == [2])
        #expect(batch.parked.map(\.entry.sequence) == [1])
    }

    @Test("what may succeed later stays, and keeps back what follows of its key")
    func retries() {
        let batch = RelayBatch(
            claimed: [entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "b"), entry(5, nil)], maximumRecordBytes: 50
        )
        let result = batch.settle([later, sent, sent, sent, sent])
        let settlement = result.settlement
        #expect(settlement.sent.map(\.sequence) == [2, 4, 5])
        #expect(settlement.kept.map(\.sequence) == [1, 3])
        #expect(result.retries == 2)
        #expect(settlement.parked.isEmpty)
        #expect(result.obstacle != nil)
    }

    @Test("what will never go is parked with its reason, and what failed behind it too")
    func permanent() {
        let batch = RelayBatch(claimed: [entry(1, "a"), entry(2, "a"), entry(3, "b")], maximumRecordBytes: 50)
        let result = batch.settle([never, later, sent])
        let settlement = result.settlement
        #expect(settlement.sent.map(\.sequence) == [3])
        #expect(settlement.parked.map(\.entry.sequence) == [1, 2])
        #expect(settlement.parked.first?.reason == "never")
        #expect(result.obstacle == nil)
        #expect(result.retries == 0)
    }

    @Test("a permanent failure behind a retriable one waits for its turn")
    func permanentBehindRetriable() {
        let batch = RelayBatch(claimed: [entry(1, "a"), entry(2, "a")], maximumRecordBytes: 50)
        let result = batch.settle([later, never])
        let settlement = result.settlement
        #expect(settlement.parked.isEmpty)
        #expect(result.retries == 2)
    }

    @Test("a producer that broke parks nothing")
    func fatal() {
        let batch = RelayBatch(claimed: [entry(1, "a"), entry(2, "b")], maximumRecordBytes: 50)
        let result = batch.settle([broken, broken])
        let settlement = result.settlement
        #expect(settlement.parked.isEmpty)
        #expect(result.retries == 2)
        #expect(result.obstacle?.isFatal == true)
    }

    @Test("what certainly is not out loses its stamp, unless an event of its key behind it may be out")
    func refused() {
        let refused = SendOutcome.failed(SendFailure(message: "no such topic", isRetriable: true, mayBeOut: false))
        let batch = RelayBatch(
            claimed: [entry(1, "a"), entry(2, "b"), entry(3, "a"), entry(4, "b"), entry(5, "c"), entry(6, "c")],
            maximumRecordBytes: 50)
        let result = batch.settle([refused, refused, later, sent, sent, refused])
        #expect(result.settlement.batches == [OutboxBatch(shard: 0, number: 7)])
        #expect(result.settlement.sent.map(\.sequence) == [5])
        #expect(result.settlement.kept.map(\.sequence) == [1, 2, 3, 4])
        #expect(result.retries == 5)
    }

    @Test("missing outcomes count as not sent")
    func missingOutcomes() {
        let batch = RelayBatch(claimed: [entry(1, "a"), entry(2, "b")], maximumRecordBytes: 50)
        let result = batch.settle([sent])
        let settlement = result.settlement
        #expect(settlement.sent.map(\.sequence) == [1])
        #expect(result.retries == 1)
    }
}

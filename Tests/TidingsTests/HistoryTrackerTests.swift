import KafkaClient
import Testing

@testable import Tidings

@Suite("The way to the end of history")
struct HistoryTrackerTests {
    private let a = TopicPartition("t", 0)
    private let b = TopicPartition("t", 1)

    private func tracker(_ starts: [TopicPartition: Int64], _ ends: [TopicPartition: Int64]) -> HistoryTracker {
        var tracker = HistoryTracker()
        tracker.start(starts, ends: ends)
        return tracker
    }

    @Test("an event that a relay has sent twice is new once, in each partition, until reading starts again")
    func duplicates() {
        var tracker = tracker([a: 0, b: 0], [a: 9, b: 9])
        func isNew(_ batch: Int64, _ index: Int32, _ partition: TopicPartition) -> Bool {
            let stamp = EventStamp(source: StampSource(outbox: "o", shard: 0), batch: batch, index: index)
            return tracker.isNew(stamp, in: partition)
        }
        let first = [isNew(1, 0, a), isNew(1, 1, a), isNew(1, 0, a), isNew(1, 0, b), isNew(2, 0, a), isNew(1, 1, a)]
        #expect(first == [true, true, false, true, true, false])
        tracker.received(5, of: a, upTo: 5, reachesEnd: false)
        tracker.start([a: 5, b: 7], ends: [a: 9, b: 9])
        #expect([isNew(1, 0, a), isNew(1, 0, b)] == [false, true], "reading goes on in one, and not in the other")
        tracker.start([a: 0], ends: [a: 9])
        #expect(isNew(1, 0, a))
    }

    @Test("where there is nothing to read it is ready at once")
    func empty() {
        #expect(tracker([a: 0, b: 7], [a: 0, b: 7]).isReady)
        #expect(tracker([:], [:]).isReady)
    }

    @Test("it is ready when the last partition has come to where it ended at the start, and counts down to that")
    func countsDown() {
        var tracker = tracker([a: 10, b: 0], [a: 15, b: 2])
        #expect((tracker.total, tracker.remaining, tracker.isReady) == (7, 7, false))
        tracker.received(3, of: a, upTo: 13, reachesEnd: false)
        #expect((tracker.remaining, tracker.isReady) == (4, false))
        tracker.received(9, of: a, upTo: 22, reachesEnd: false)
        #expect((tracker.remaining, tracker.isReady) == (2, false))
        tracker.received(2, of: b, upTo: 2, reachesEnd: false)
        #expect((tracker.remaining, tracker.isReady, tracker.records) == (0, true, 14))
    }

    @Test("an end without records behind the last one is reached when Kafka says so")
    func endWithoutRecords() {
        var tracker = tracker([a: 0, b: 0], [a: 5, b: 5])
        tracker.received(4, of: a, upTo: 4, reachesEnd: true)
        #expect((tracker.remaining, tracker.isReady) == (5, false))
        tracker.received(0, of: b, upTo: 3, reachesEnd: true)
        #expect((tracker.remaining, tracker.isReady) == (0, true))
    }

    @Test("what is ready stays ready when partitions are added, and tells how much there is to read again")
    func addedPartitions() {
        var tracker = tracker([a: 0], [a: 1])
        tracker.received(1, of: a, upTo: 1, reachesEnd: false)
        tracker.start([a: 1, b: 0], ends: [a: 4, b: 3])
        #expect((tracker.remaining, tracker.isReady) == (6, true))
        #expect(!tracker.includes(RecordPlace(topic: "t", partition: 1, offset: 0)))
        tracker.received(1, of: b, upTo: 1, reachesEnd: false)
        #expect(tracker.includes(RecordPlace(topic: "t", partition: 1, offset: 0)))
        #expect(!tracker.includes(RecordPlace(topic: "t", partition: 2, offset: 0)))
    }

    @Test("it is as far as another when it is so in every partition")
    func comparison() {
        let one = tracker([a: 3, b: 3], [:])
        #expect(one.isAsFar(as: tracker([a: 3, b: 2], [:])))
        #expect(one.isAsFar(as: tracker([a: 3], [:])))
        #expect(!one.isAsFar(as: tracker([a: 4, b: 0], [:])))
        #expect(!tracker([a: 9], [:]).isAsFar(as: one))
    }
}

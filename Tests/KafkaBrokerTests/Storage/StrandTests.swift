import Synchronization
import Testing

@testable import KafkaBroker

@Suite("Storage threads")
struct StrandTests {
    @Test("a strand works on everything once, in order, and never twice at a time", arguments: [1, 2, 8])
    func keepsOrder(threadCount: Int) async {
        let threads = StorageThreads(limit: threadCount)
        let seen = Mutex<[[Int]]>([[], [], []])
        let strands = (0..<3).map { index in
            let isBusy = Flag()
            return Strand<Int>(on: threads) { round in
                #expect(isBusy.enter())
                seen.withLock { $0[index] += round }
                isBusy.leave()
            }
        }
        for number in 0..<1000 { for strand in strands { strand.submit(number) } }
        await threads.stop()
        #expect(seen.withLock { $0 } == [Array(0..<1000), Array(0..<1000), Array(0..<1000)])
    }

    @Test("what arrives during a round makes up the next one")
    func groups() async {
        let threads = StorageThreads(limit: 2)
        let rounds = Mutex<[Int]>([])
        let gate = Gate()
        let strand = Strand<Int>(on: threads) { round in
            rounds.withLock { $0.append(round.count) }
            gate.pass()
        }
        strand.submit(0)
        while rounds.withLock({ $0.isEmpty }) { await Task.yield() }
        for number in 1...10 { strand.submit(number) }
        gate.open()
        await threads.stop()
        #expect(rounds.withLock { $0 } == [1, 10])
    }

    @Test("work after the end is still answered, by the caller's own thread")
    func answersAfterTheEnd() async {
        let threads = StorageThreads(limit: 1)
        await threads.stop()
        let seen = Mutex<[Int]>([])
        let strand = Strand<Int>(on: threads) { round in seen.withLock { $0 += round } }
        strand.submit(7)
        #expect(seen.withLock { $0 } == [7])
        #expect(!threads.submit {})
    }

    @Test("work in parallel is all done, in order, by however many threads there are", arguments: [1, 2, 8])
    func worksInParallel(threadCount: Int) async throws {
        let threads = StorageThreads(limit: threadCount)
        // From one of the threads itself, which must not wait for a thread that is not there.
        let results = try await threads.run { try threads.inParallel(100) { $0 * $0 } }
        #expect(results == (0..<100).map { $0 * $0 })
        struct Failure: Error {}
        await #expect(throws: Failure.self) {
            try await threads.run { try threads.inParallel(10) { if $0 == 7 { throw Failure() } } }
        }
        #expect(try await threads.run { try threads.inParallel(0) { $0 } } == [])
        await threads.stop()
    }

    private final class Flag: Sendable {
        private let isSet = Mutex(false)

        func enter() -> Bool {
            isSet.withLock { isSet in
                defer { isSet = true }
                return !isSet
            }
        }

        func leave() { isSet.withLock { $0 = false } }
    }

    /// Holds up a thread until it is opened, for good.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)

        func open() { isOpen.withLock { $0 = true } }
        func pass() { while !isOpen.withLock({ $0 }) {} }
    }
}

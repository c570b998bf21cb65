import Synchronization
import Testing
import Tidings

@testable import Shop

@Suite("The chronicle", .timeLimit(.minutes(1)))
struct ChronicleTests {
    private func state(_ owner: String, _ sending: Sending = .outbox) -> SystemState {
        SystemState(
            processes: [], down: [],
            orders: OrderStatus(orders: 1, deleted: 0, outboxWaiting: 0, outboxParked: 0, sending: sending),
            topic: "order",
            partitions: [
                PartitionState(
                    partition: 3, endOffset: 0, owners: [PartitionOwner(group: "invoicing", instance: owner, lag: 0)])
            ])
    }

    @Test("what was seen before something changed, and comes late, is not told")
    func lateAnswer() async {
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let (late, comeLate) = AsyncStream<Void>.makeStream()
        let looks = Mutex(0)
        let watch = SystemWatch { [old = state("invoicing-2", .afterAction), new = state("invoicing-1")] in
            let number = looks.withLock { looks in
                looks += 1
                return looks
            }
            guard number == 2 else { return number == 1 ? old : new }
            begin.yield()
            for await _ in late {}
            return old
        }
        _ = await watch.state()
        await watch.forget()
        async let slow = watch.state()
        for await _ in begun { break }
        await watch.forget()
        #expect(await watch.state().orders?.sending == .outbox)
        comeLate.finish()
        #expect(await slow.orders?.sending == .afterAction)
        #expect(
            await watch.chronicle.map(\.text) == [
                "Partition 3 moved from Invoicing 2 to Invoicing 1.", "From now on events are sent through the outbox.",
            ])
    }

    @Test("many who ask at the same time are answered by one look")
    func oneLook() async {
        let state = state("invoicing-1")
        let looking = Mutex((now: 0, most: 0))
        let watch = SystemWatch {
            looking.withLock { looking in
                looking.now += 1
                looking.most = max(looking.most, looking.now)
            }
            for _ in 0..<100 { await Task.yield() }
            looking.withLock { $0.now -= 1 }
            return state
        }
        await withTaskGroup(of: Void.self) { readers in
            for _ in 0..<50 { readers.addTask { _ = await watch.state() } }
        }
        #expect(looking.withLock { $0.most } == 1)
    }
}

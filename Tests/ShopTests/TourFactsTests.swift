import Testing
import Tidings
import TidingsAudit

@testable import Shop

@Suite("What the tour and the buttons say of the moment")
struct TourFactsTests {
    private func process(_ name: String, pid: Int32? = 1, _ change: (inout ProcessEntry) -> Void = { _ in })
        -> ProcessEntry
    {
        let parts = name.split(separator: "-")
        var entry = ProcessEntry(
            role: String(parts[0]), instance: Int(parts[1]) ?? 0, pid: pid, restarts: 0, readyAt: 1_000)
        change(&entry)
        return entry
    }

    private func state(_ entries: [ProcessEntry], sending: Sending = .outbox) -> SystemState {
        SystemState(
            processes: entries.filter { $0.pid != nil }, down: entries.filter { $0.pid == nil },
            orders: OrderStatus(orders: 1, deleted: 0, outboxWaiting: 0, outboxParked: 0, sending: sending),
            topic: "order",
            partitions: (0..<2).map {
                PartitionState(
                    partition: $0, endOffset: 1,
                    owners: [PartitionOwner(group: "invoicing", instance: "invoicing-\($0 + 1)", lag: 0)])
            })
    }

    private func deeds(_ state: SystemState, isStreaming: Bool = false, hasBroker: Bool = true) -> Set<Deed> {
        let circumstances = Deed.Circumstances(state: state, isStreaming: isStreaming, hasBroker: hasBroker)
        return Set(Deed.allCases.filter { $0.makesSense(circumstances) })
    }

    private let all = ["broker-1", "order-1", "shipping-1", "invoicing-1", "invoicing-2"]

    @Test("of starting and stopping the one that applies is offered, also while a process is about to end")
    func oneOfTwo() {
        let pairs: [(Deed, Deed, String)] = [
            (.stopShipping, .startShipping, "shipping-1"), (.stopBroker, .startBroker, "broker-1"),
            (.removeInvoicing, .addInvoicing, "invoicing-3"),
        ]
        for (stop, start, name) in pairs {
            let others = all.filter { $0 != name }.map { process($0) }
            let running = deeds(state(others + [process(name)]))
            #expect(running.contains(stop) && !running.contains(start))
            let restarting = deeds(state(others + [process(name, pid: nil)]))
            #expect(restarting.contains(stop) && !restarting.contains(start))
            let ending = deeds(state(others + [process(name) { $0.isStopped = true }]))
            #expect(ending.contains(start) && !ending.contains(stop))
            let stopped = deeds(state(others + [process(name, pid: nil) { $0.isStopped = true }]))
            #expect(stopped.contains(start) && !stopped.contains(stop))
        }
        let calm = deeds(state(all.map { process($0) }))
        #expect(calm.contains(.stream) && !calm.contains(.endStream))
        let streaming = deeds(state(all.map { process($0) }), isStreaming: true)
        #expect(streaming.contains(.endStream) && !streaming.contains(.stream))
        let elsewhere = deeds(state(all.map { process($0) }), hasBroker: false)
        #expect(elsewhere.isDisjoint(with: [.stopBroker, .startBroker, .killBroker]))
    }

    @Test("with the broker stopped nothing is offered that would wait for it")
    func withoutBroker() {
        let broker = process("broker-1", pid: nil) { $0.isStopped = true }
        let entries = all.dropFirst().map { process($0) } + [broker]
        let outbox = deeds(state(entries))
        #expect(outbox.isDisjoint(with: [.killBroker, .killRelay, .compare, .compact, .rebuild]))
        #expect(outbox.isSuperset(of: [.killBetween, .move, .order, .stream]))
        let direct = deeds(state(entries, sending: .beforeAction))
        #expect(direct.isDisjoint(with: [.killBetween, .move, .killRelay]))
    }

    @Test("an instance that was killed is told of as it stands when one reads it")
    func groups() {
        func says(_ entry: ProcessEntry) -> String {
            TourFacts(state: state([entry])).costs(of: 4, at: Timestamp(millisecondsSince1970: 2_500))[0]
        }
        #expect(says(process("invoicing-2")) == "Invoicing 2 has run since 00:00:01 (UTC); it has partition 1.")
        let killed = process("invoicing-2", pid: nil) { ($0.endedAt, $0.isReady) = (2_000, false) }
        #expect(says(killed) == "Invoicing 2 ended 500 ms ago and is being started again; it has partition 1.")
        let starting = process("invoicing-2") { ($0.endedAt, $0.isReady) = (2_000, false) }
        #expect(says(starting).contains("is being started again"))
        let back = process("invoicing-2") { ($0.endedAt, $0.readyAt) = (2_000, 2_100) }
        #expect(says(back) == "Invoicing 2 ended at 00:00:02 (UTC) and was back after 100 ms; it has partition 1.")
        let again = process("invoicing-2") {
            ($0.endedAt, $0.readyAt, $0.lastEnd) = (1_000, 2_000, ProcessEntry.stopped)
        }
        let words = "was stopped at 00:00:01 (UTC) and has run again since 00:00:02 (UTC)"
        #expect(says(again) == "Invoicing 2 \(words); it has partition 1.")
        let third = process("invoicing-3", pid: nil) { $0.isStopped = true }
        #expect(says(third) == "Invoicing 3 is stopped; it has no partition.")
    }

    @Test("one that is started for the first time is not said to start again")
    func firstStart() {
        let first = process("invoicing-3") { $0.isReady = false }
        #expect(state([first]).standing(of: "invoicing-3") == .starting)
        let again = process("invoicing-3") { ($0.isReady, $0.endedAt) = (false, 500) }
        #expect(state([again]).standing(of: "invoicing-3") == .startingAgain)
    }

    @Test("how large events are is said with how large their keys are")
    func size() {
        var sizes = TopicReading.Sizes()
        sizes.add(500, key: 4)
        func says() -> String { TourFacts(state: state([]), sizes: sizes).costs(of: 2)[0] }
        #expect(says().hasSuffix("has 500 bytes. Its key alone, with which a reader could ask back, would have 4."))
        sizes.add(700, key: 14)
        #expect(says().hasPrefix("An event has 600 bytes on average") && says().hasSuffix("would have 9."))
    }

    @Test("while the statistics are rebuilt that is said, and a time too short to tell is no zero")
    func history() {
        var now = state([])
        now.statistics = StatisticsStatus(ready: true, orders: 1, records: 9, milliseconds: 0, offsets: [:])
        #expect(TourFacts(state: now).costs(of: 1)[0].contains("took under 1 ms"))
        now.statistics?.rebuild = .init(records: 4, remaining: 5, milliseconds: 12)
        let said = TourFacts(state: now).costs(of: 1)[0]
        #expect(said.hasPrefix("They are rebuilt at this moment: 4 records read anew, 5 to go, after 12 ms."))
        now.statistics?.rebuild = .init(records: 0, remaining: 0, milliseconds: 12)
        #expect(TourFacts(state: now).costs(of: 1)[0].contains("wait until Kafka says"))
    }

    @Test("only the orders of the latest comparison are compared, whichever of their times is known first")
    func comparison() throws {
        let measurements = Measurements()
        measurements.placing("stream", .outbox)
        measurements.placed("stream", after: .milliseconds(900))
        let first = measurements.beginComparison()
        measurements.placing("a", .outbox, in: first)
        measurements.placed("a", after: .milliseconds(100))
        let second = measurements.beginComparison()
        measurements.placing("b", .outbox, in: second)
        measurements.placing("c", .beforeAction, in: second)
        measurements.seen("c", after: 3)
        measurements.placed("c", after: .milliseconds(5))
        measurements.seen("a", after: 80)
        measurements.placed("b", after: .milliseconds(2))
        measurements.seen("b", after: 7)
        measurements.seen("stream", after: 70)
        let ways = try #require(measurements.latestComparison).ways
        #expect(ways[.outbox]?.action.count == 1 && ways[.outbox]?.action.longest == 2)
        #expect(ways[.outbox]?.visible.longest == 7)
        #expect(ways[.beforeAction]?.action.longest == 5 && ways[.beforeAction]?.visible.longest == 3)
        #expect(ways[.afterAction] == nil)
        #expect(measurements[.outbox].action.count == 3 && measurements[.outbox].visible.longest == 80)
        let rows = TourFacts(state: state([]), comparison: measurements.latestComparison).rows
        #expect(rows.map(\.count) == ["0", "1", "1"] && rows.last?.action == "2 · 2 ms")
    }

    @Test("of a few orders the slowest are not spoken of")
    func few() {
        let measurements = Measurements()
        func place(_ id: String) -> String {
            measurements.placing(id, .afterAction)
            measurements.placed(id, after: .microseconds(5_500))
            return TourFacts(state: state([]), ways: [.afterAction: measurements[.afterAction]]).costs(of: 5)[0]
        }
        #expect(place("1").hasSuffix("sent after the action: the customer waited 5.5 ms."))
        for number in 2..<19 { _ = place("\(number)") }
        #expect(place("19").hasSuffix("customers waited 5.5 ms at the median."))
        #expect(place("20").hasSuffix("customers waited 5.5 ms at the median, 99 % of them no longer than 5.5 ms."))
    }

    @Test("a ghost's history says that there is no such order, and where it is known")
    func ghost() {
        let sighting = Sighting(
            event: AuditEvidence.placed("g"), order: "g", isCancellation: false, partition: 3, offset: 7,
            happenedAt: 0, seenAt: 1, stamp: nil)
        let finding = AuditReport.Entry(kind: .ghost, order: "g", subject: "topic", explanation: "…")
        func view(_ findings: [AuditReport.Entry], isAccepted: Bool = false, _ sightings: [Sighting]) -> HistoryView {
            HistoryView(
                OrderHistory(
                    order: "g", isAccepted: isAccepted, isDeleted: false, findings: findings, sightings: sightings,
                    readers: [("invoicing", sightings.map(\.event)), ("statistics", [])]),
                .init(order: "/o", shipment: "/s", invoice: "/i"))
        }
        let ghost = view([finding], [sighting])
        #expect(ghost.tone == "broken" && ghost.sentence.contains("no such order"))
        #expect(ghost.facts.map(\.url) == [nil, nil, "/i", nil])
        #expect(ghost.facts[1].text.contains("shop.order.placed/g"))
        #expect(ghost.facts[1].text.contains("offset 7, sent directly"))
        #expect(view([], [sighting]).tone == "flowing")
        #expect(view([], isAccepted: true, [sighting]).tone == "calm")
        let lost = AuditReport.Entry(kind: .lost, order: "g", subject: "topic", explanation: "…")
        #expect(view([lost], isAccepted: true, []).sentence.contains("lost"))
    }

    @Test("of a deleted order its history says which of the two events is lost")
    func lostOfDeleted() {
        func sentence(sighted isCancellation: Bool) -> String {
            let event = isCancellation ? AuditEvidence.cancelled("d") : AuditEvidence.placed("d")
            let sighting = Sighting(
                event: event, order: "d", isCancellation: isCancellation, partition: 3, offset: 7, happenedAt: 0,
                seenAt: 1, stamp: nil)
            let lost = AuditReport.Entry(kind: .lost, order: "d", subject: "topic", explanation: "…")
            let history = OrderHistory(
                order: "d", isAccepted: true, isDeleted: true, findings: [lost], sightings: [sighting], readers: [])
            return HistoryView(history, .init(order: "/o", shipment: "/s", invoice: "/i")).sentence
        }
        #expect(sentence(sighted: false).contains("its cancellation is not in the topic"))
        #expect(!sentence(sighted: true).contains("cancellation"))
    }
}

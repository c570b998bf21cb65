import HTTPTypes
import NIOHTTP1
import Tidings

/// Does what the buttons say, and tells in a sentence what came of it.
struct Deeds: Sendable {
    let ports: Ports
    let link: ControlLink
    let watch: SystemWatch
    let customers: Customers
    let measurements: Measurements
    let list: ProcessList

    /// How long a process may take to end and to work again.
    private static let patience = Duration.seconds(8)

    /// - Parameter rate: orders a second in a stream; nil for the latest one's.
    /// - Throws: a ``Refusal`` that says why it cannot be done now.
    func perform(_ deed: Deed, rate: Int?) async throws -> String {
        let sentence = try await carryOut(deed, rate: rate ?? customers.account.rate)
        // Whoever reads the sentence sees the state that belongs to it.
        await watch.forget()
        return sentence
    }

    private func carryOut(_ deed: Deed, rate: Int) async throws -> String {
        switch deed {
        case .order: return try await placeOne()
        case .stream:
            customers.startStream(rate: rate)
            return "Up to \(Readable.count(rate, "order")) a second for \(Customers.streamSeconds) seconds."
        case .endStream:
            customers.endStream()
            return "The stream is ended. \(customers.account.sentence)"
        case .killBetween: return try await killBetween()
        case .killRelay: return try await killRelay()
        case .killOrder: return try await kill("order", 1)
        case .killInvoicing1: return try await kill("invoicing", 1)
        case .killInvoicing2: return try await kill("invoicing", 2)
        case .killBroker: return try await kill("broker", 1)
        case .stopBroker: return try await stopBroker()
        case .startBroker:
            try await link.ask(.start(role: "broker", instance: 1))
            return
                "The broker starts. What waits in the outbox leaves in order as soon as the relay has found it again, "
                + "within a second or two."
        case .stopShipping:
            try await link.ask(.stop(role: "shipping", instance: 1))
            return "Shipping ends what it has in hand. What is ordered now waits in the topic."
        case .startShipping:
            try await link.ask(.start(role: "shipping", instance: 1))
            return "Shipping starts where it stopped."
        case .addInvoicing:
            try await link.ask(.start(role: "invoicing", instance: 3))
            return "Invoicing 3 starts, and joins the group as soon as Kafka lets it; watch the partitions move."
        case .removeInvoicing:
            try await link.ask(.stop(role: "invoicing", instance: 3))
            return "Invoicing 3 ends. As a static member it is waited for; then its partitions move."
        case .rebuild:
            let answer = try await HTTPClient(port: ports.statistics).exchange(.POST, "/rebuild", body: nil)
            guard answer.status < 400 else { throw Refusal(.conflict, "The statistics answered \(answer.status).") }
            return "The statistics read history again, from the first record on."
        case .compare: return try await compare()
        case .move:
            try await move(20)
            return "Customer 5 has moved twenty times. Only the last address matters: readers’ directories have it as "
                + "soon as they have read it."
        case .compact:
            try await move(1)
            return "The cleaner looks every two seconds (another Kafka’s every fifteen) for segments that are closed."
        }
    }

    /// The three ways side by side, on the same shop, under the same load: in turn, so that what goes on beside meets all.
    private func compare() async throws -> String {
        guard let comparison = measurements.beginComparison() else {
            throw Refusal(.conflict, "The three ways are being compared already; wait until that is done.")
        }
        defer { measurements.endComparison() }
        customers.endStream()
        let chosen = try await sending()
        var current = chosen
        var placed = 0
        do {
            for _ in 0..<5 {
                for sending in Sending.allCases {
                    guard try await self.sending() == current else {
                        throw Refusal(.conflict, "Somebody chose another way of sending meanwhile, which stays chosen.")
                    }
                    try await choose(sending)
                    current = sending
                    for _ in 0..<10 {
                        if case .refused(let reason) = await customers.place(OrderID.make(), in: comparison) {
                            let done = Readable.count(placed, "order")
                            throw Refusal(.conflict, "The comparison ends after \(done): \(reason)")
                        }
                        placed += 1
                    }
                }
            }
        } catch {
            // What somebody chose meanwhile stays.
            if (try? await sending()) == current { try? await choose(chosen) }
            throw error
        }
        try await choose(chosen)
        return "\(Readable.count(placed, "order")) placed, a third in each way. The table says what they cost."
    }

    private func choose(_ sending: Sending) async throws {
        let choice = SendingChoice(sending: sending.rawValue)
        _ = try await HTTPClient(port: ports.orders).put(SendingChoice.self, "/sending", choice)
        await watch.forget()
    }

    private func move(_ times: Int) async throws {
        let client = HTTPClient(port: ports.orders)
        for number in 1...times {
            let address = Address(street: "Wandering Lane \(number)", zip: "1000\(number % 10)", city: "Elsewhere")
            let body = try JSON.encode(address)
            let answer = try await client.exchange(.PUT, "/customers/5/address", body: body)
            guard answer.status < 300 else { throw Refusal(.conflict, "The order service answered \(answer.status).") }
        }
    }

    private func placeOne() async throws -> String {
        let id = OrderID.make()
        switch await customers.place(id) {
        case .placed(let milliseconds):
            return "Order \(id) is placed; its customer waited \(Readable.duration(milliseconds: milliseconds))."
        case .refused(let reason): throw Refusal(.conflict, "Order \(id) was not placed: \(reason)")
        }
    }

    private func kill(_ role: String, _ instance: Int) async throws -> String {
        let title = "\(role)-\(instance)".processTitle
        let before = entry(role, instance)
        try await link.ask(.kill(role: role, instance: instance))
        let works = try await wait { isBack(role, instance, since: before) }
        return works ? "\(title) was killed, and works again." : "\(title) was killed. \(Self.notBack)"
    }

    private func stopBroker() async throws -> String {
        let sending = try? await sending()
        try await link.ask(.stop(role: "broker", instance: 1))
        let meaning =
            switch sending {
            case .outbox, nil: "Orders are taken all the same, and wait in the outbox: place some, and watch it grow."
            case .afterAction:
                "Events are sent after the action: whoever orders now waits ten seconds in vain, the order is written, and "
                    + "its event is lost."
            case .beforeAction:
                "Events are sent before the action: whoever orders now waits ten seconds, and is refused."
            }
        return "The broker ends, and stays away until you start it. \(meaning)"
    }

    /// The moment between the two things that each way of sending does.
    private func killBetween() async throws -> String {
        let sending = try await sending()
        let (step, outcome): (Step.Point, String) =
            switch sending {
            case .afterAction: (.sendStarts, "It is written, and its event was not sent and never will be: lost.")
            case .beforeAction: (.transactionStarts, "Its event is out, and it was never written: a ghost.")
            case .outbox:
                (.actionCommitted, "Order and event were written together; the event leaves as soon as it is back.")
            }
        let (id, rest) = try await place(dyingAt: step)
        return "The order service was killed while it took \(named(id)). \(outcome)\(rest)"
    }

    private func killRelay() async throws -> String {
        guard try await sending() == .outbox else {
            throw Refusal(.conflict, "There is no relay at work: events are sent directly. Choose the outbox first.")
        }
        let (id, rest) = try await place(dyingAt: .relayAcknowledged)
        return "The relay was killed when Kafka had the event of \(named(id)) and the outbox did not know it. It is "
            + "sent again, with the same stamp.\(rest)"
    }

    /// In a stream it may have been another one that met the step first.
    private func named(_ id: String) -> String {
        customers.account.isRunning ? "an order of the stream" : "order \(id)"
    }

    /// As it is now: somebody may just have changed it elsewhere.
    private func sending() async throws -> Sending {
        await watch.forget()
        guard let sending = await watch.state().orders?.sending else {
            throw Refusal(.conflict, "The order service does not answer just now.")
        }
        return sending
    }

    /// Places an order that kills the order service, and waits until that is back.
    ///
    /// - Returns: the order's number, and what there is to add if the service is not back yet.
    /// - Throws: a ``Refusal`` if nothing was killed.
    private func place(dyingAt step: Step.Point) async throws -> (id: String, rest: String) {
        let before = entry("order", 1)
        try await link.ask(.dieAt(step: step.rawValue))
        let id = OrderID.make()
        let outcome = await customers.place(id)
        if try await wait(until: { isBack("order", 1, since: before) }) { return (id, "") }
        if entry("order", 1)?.endedAt == before?.endedAt {
            try await link.ask(.dieAt(step: nil))
            let fate = if case .refused(let reason) = outcome { "was not placed: \(reason)" } else { "is placed." }
            throw Refusal(
                .conflict,
                "The order service did not come to that moment within \(Self.patienceInWords), and is not killed any more. "
                    + "Order \(id) \(fate)")
        }
        return (id, " \(Self.notBack)")
    }

    /// Whether it has ended since, and works again.
    private func isBack(_ role: String, _ instance: Int, since before: ProcessEntry?) -> Bool {
        entry(role, instance).map { $0.endedAt != before?.endedAt && $0.isReady } ?? false
    }

    private static let patienceInWords = Readable.count(Int(patience / .seconds(1)), "second")
    private static let notBack = "It is not back after \(patienceInWords); the supervisor goes on trying."

    /// Looks at the supervisor's list until it says so, or patience ends.
    ///
    /// - Returns: whether it says so.
    private func wait(until isSo: () -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + Self.patience
        while !isSo() {
            guard ContinuousClock.now < deadline else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    private func entry(_ role: String, _ instance: Int) -> ProcessEntry? {
        list.read().first { $0.role == role && $0.instance == instance }
    }
}

import HTTPTypes
import NIOCore
import NIOHTTP1
import Tidings

/// Does what the buttons say, and tells in a sentence what came of it.
struct Deeds: Sendable {
    let ports: Ports
    let link: ControlLink
    let watch: SystemWatch
    let customers: Customers
    let measurements: Measurements
    let compaction: CompactionWatch
    let list: ProcessList
    /// Whether the broker is the demonstration's own.
    let hasBroker: Bool
    /// A death at a step hits whoever comes there first.
    private let dying = OneAtATime()
    private let comparing = OneAtATime()

    /// How long a process may take to end and to work again.
    private static let patience = Duration.seconds(8)
    private static let cleanerPatience = Duration.seconds(10)

    /// - Parameter rate: orders a second in a stream; nil for the latest one's.
    /// - Throws: a ``Refusal`` that says why it cannot be done now.
    func perform(_ deed: Deed, rate: Int?) async throws -> Notice {
        // As it is now: somebody may just have changed it elsewhere, and the page may be old.
        await watch.forget()
        let circumstances = Deed.Circumstances(
            state: await watch.state(), isStreaming: customers.account.isRunning, hasBroker: hasBroker)
        guard deed.makesSense(circumstances) || deed == .stream || deed == .endStream else {
            throw Refusal(
                .conflict, "“\(deed.title)” cannot be done as things stand. The start page offers what can.")
        }
        do {
            let notice = try await carryOut(deed, rate: rate ?? customers.account.rate)
            // Whoever reads the sentence sees the state that belongs to it.
            await watch.forget()
            return notice
        } catch let failure as HTTPClient.Failure {
            throw Refusal(.conflict, "A service does not answer just now: \(failure).")
        }
    }

    private func carryOut(_ deed: Deed, rate: Int) async throws -> Notice {
        switch deed {
        case .order: return .calm(try await placeOne())
        case .stream:
            let rate = customers.startStream(rate: rate)
            return .calm("Up to \(Readable.count(rate, "order")) a second for \(Customers.streamSeconds) seconds.")
        case .endStream:
            customers.endStream()
            return .calm("The stream is ended; orders that are under way still come to their end. So far: ")
                + customers.account.sentence
        case .killBetween: return try await killBetween()
        case .killRelay: return try await killRelay()
        case .killOrder: return try await kill("order", 1)
        case .killInvoicing1: return try await kill("invoicing", 1)
        case .killInvoicing2: return try await kill("invoicing", 2)
        case .killBroker: return try await kill("broker", 1)
        case .stopBroker: return try await stopBroker()
        case .startBroker:
            return try await start("broker", 1)
                + " What waits in the outbox leaves in order as soon as the relay has found it again, within a second or two."
        case .stopShipping: return try await stop("shipping", 1) + " What is ordered now waits in the topic."
        case .startShipping: return try await start("shipping", 1) + " It goes on where it stopped."
        case .addInvoicing:
            return try await start("invoicing", 3)
                + " It joins the group as soon as Kafka lets it; watch the partitions move."
        case .removeInvoicing:
            return try await stop("invoicing", 3) + " As a static member it is waited for; then its partitions move."
        case .rebuild:
            let answer = try await HTTPClient(port: ports.statistics).exchange(.POST, "/rebuild", body: nil)
            guard answer.status < 400 else { throw Refusal(.conflict, "The statistics answered \(answer.status).") }
            return .calm("The statistics read history again, from the first record on.")
        case .compare:
            let reason = "The three ways are being compared already; wait until that is done."
            return .calm(try await comparing(orRefuse: reason) { try await compare() })
        case .move:
            let name = try await move(20)
            return .calm(
                "\(name) has moved twenty times. Only the last address matters: readers’ directories have it as ")
                + "soon as they have read it."
        case .compact: return try await compact()
        }
    }

    /// The three ways side by side, on the same shop, under the same load: in turn, so that what goes on beside meets all.
    private func compare() async throws -> String {
        customers.endStream()
        let comparison = measurements.beginComparison()
        let chosen = try await sending()
        var current = chosen
        var placed = 0
        do {
            for _ in 0..<5 {
                for sending in Sending.allCases {
                    guard try await self.sending() == current else {
                        throw Refusal(.conflict, "somebody chose another way of sending meanwhile, which stays chosen.")
                    }
                    try await choose(sending)
                    current = sending
                    for _ in 0..<10 {
                        switch await customers.place(OrderID.make(), in: comparison) {
                        case .placed: placed += 1
                        case .refused(let reason), .lost(let reason), .unknown(let reason):
                            throw Refusal(.conflict, reason)
                        }
                    }
                }
            }
        } catch {
            let reason = (error as? Refusal)?.message ?? "\(error)"
            let rest = await restore(chosen, from: current)
            throw Refusal(
                .conflict, "The comparison has ended early, after \(Readable.count(placed, "order")): \(reason)\(rest)")
        }
        try await choose(chosen)
        return "\(Readable.count(placed, "order")) placed, a third in each way. The table says what they cost."
    }

    /// Chooses a way again, as soon as the order service answers; what somebody else chose meanwhile stays.
    ///
    /// - Returns: what there is to add when that cannot be done.
    private func restore(_ chosen: Sending, from current: Sending) async -> String {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            if let now = try? await sending() {
                if now != current { return "" }
                if (try? await choose(chosen)) != nil { return "" }
            }
            do { try await Task.sleep(for: .milliseconds(50)) } catch { break }
        }
        return " Events are still sent \(current.title)."
    }

    private func choose(_ sending: Sending) async throws {
        let choice = SendingChoice(sending: sending.rawValue)
        _ = try await HTTPClient(port: ports.orders).put(SendingChoice.self, "/sending", choice)
        await watch.forget()
    }

    /// - Returns: who has moved.
    private func move(_ times: Int) async throws -> String {
        let client = HTTPClient(port: ports.orders, timeout: .seconds(15))
        guard let customer = try await client.get([CustomerEntry].self, "/customers").last else {
            throw Refusal(.conflict, "There is no customer who could move.")
        }
        for number in 1...times {
            let address = Address(street: "Wandering Lane \(number)", zip: "1000\(number % 10)", city: "Elsewhere")
            let body = try JSON.encode(address)
            let answer = try await client.exchange(.PUT, "/customers/\(customer.id)/address", body: body)
            guard answer.status < 300 else {
                let reason = try? JSON.decode(ErrorBody.self, from: answer.body).error
                throw Refusal(.conflict, reason ?? "The order service answered \(answer.status).")
            }
        }
        return customer.name
    }

    /// Closes the segment that is being written, and waits for the cleaner.
    private func compact() async throws -> Notice {
        guard let before = await compaction.measure() else {
            throw Refusal(.conflict, "Kafka does not answer just now.")
        }
        let begun = ContinuousClock.now
        var now = before
        var moves = 0
        var taken: Int64 { before.left + now.written - before.written - now.left }
        repeat {
            // A record closes a segment that is five seconds old; one that was too young for the first move has the age then.
            if moves == 0 || moves == 1 && .now - begun > .milliseconds(5_500) {
                _ = try await move(1)
                moves += 1
            }
            try await Task.sleep(for: .milliseconds(200))
            now = await compaction.measure() ?? now
        } while taken <= 0 && .now - begun < Self.cleanerPatience
        let added = Readable.count(moves, "more move")
        guard taken > 0 else {
            return .doubtful(
                "The cleaner took nothing away within ten seconds: \(Readable.count(before.left, "record")) before, "
                    + "\(now.left.grouped()) now, with \(added) to close the segment that was being written."
                    + (hasBroker ? "" : " Another Kafka’s cleaner looks every fifteen seconds only."))
        }
        return .calm(
            "\(Readable.count(before.left, "record")) before, \(now.left.grouped()) now: \(added) closed the segment that was "
                + "being written, and the cleaner took \(taken.grouped()) away.")
    }

    private func placeOne() async throws -> String {
        let id = OrderID.make()
        switch await customers.place(id) {
        case .placed(let milliseconds):
            return "Order \(id) is placed; its customer waited \(Readable.duration(milliseconds: milliseconds))."
        case .lost(let reason): throw Refusal(.conflict, reason)
        case .refused(let reason): throw Refusal(.conflict, "Order \(id) was not placed. \(reason)")
        case .unknown(let reason): throw Refusal(.conflict, "Order \(id) may be placed: the audit tells. \(reason)")
        }
    }

    private func start(_ role: String, _ instance: Int) async throws -> Notice {
        let title = "\(role)-\(instance)".processTitle
        try await link.ask(.start(role: role, instance: instance))
        let works = try await wait { entry(role, instance)?.isReady ?? false }
        return works ? .calm("\(title) works.") : .doubtful("\(title) is started, and does not work yet.")
    }

    private func stop(_ role: String, _ instance: Int) async throws -> Notice {
        let title = "\(role)-\(instance)".processTitle
        try await link.ask(.stop(role: role, instance: instance))
        let hasEnded = try await wait { entry(role, instance)?.pid == nil }
        return hasEnded
            ? .calm("\(title) has finished what it had in hand, and ended.")
            : .doubtful("\(title) is to end, and still has something in hand.")
    }

    private func kill(_ role: String, _ instance: Int) async throws -> Notice {
        let title = "\(role)-\(instance)".processTitle
        let before = entry(role, instance)
        try await link.ask(.kill(role: role, instance: instance))
        let works = try await wait { isBack(role, instance, since: before) }
        return works
            ? .calm("\(title) was killed, and works again.") : .doubtful("\(title) was killed. \(Self.notBack)")
    }

    private func stopBroker() async throws -> Notice {
        let sending = try? await sending()
        let end = try await stop("broker", 1)
        let meaning =
            switch sending {
            case .outbox, nil: "Orders are taken all the same, and wait in the outbox: place some, and watch it grow."
            case .afterAction:
                "Events are sent after the action: whoever orders now waits ten seconds in vain, the order is written, and "
                    + "its event is lost."
            case .beforeAction:
                "Events are sent before the action: whoever orders now waits ten seconds, and is refused."
            }
        return end + " It stays away until you start it. \(meaning)"
    }

    /// The moment between the two things that each way of sending does.
    private func killBetween() async throws -> Notice {
        let sending = try await sending()
        let (step, outcome): (Step.Point, String) =
            switch sending {
            case .afterAction: (.sendStarts, "It is written, and its event was not sent and never will be: lost.")
            case .beforeAction: (.transactionStarts, "Its event is out, and it was never written: a ghost.")
            case .outbox:
                (
                    .actionCommitted,
                    "Order and event were written together; the event leaves as soon as service and Kafka are there."
                )
            }
        let (id, rest) = try await place(dyingAt: step)
        let sentence = "The order service was killed while it took \(named(id)). \(outcome)\(rest)"
        return sending == .outbox && rest.isEmpty ? .calm(sentence) : .doubtful(sentence)
    }

    private func killRelay() async throws -> Notice {
        let (id, rest) = try await place(dyingAt: .relayAcknowledged)
        let sentence =
            "The relay was killed when Kafka had the event of \(named(id)) and the outbox did not know it. It is sent "
            + "again, with the same stamp.\(rest)"
        return rest.isEmpty ? .calm(sentence) : .doubtful(sentence)
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
        try await dying(orRefuse: "The order service is being killed already; wait until that is done.") {
            try await placeOne(dyingAt: step)
        }
    }

    private func placeOne(dyingAt step: Step.Point) async throws -> (id: String, rest: String) {
        let before = entry("order", 1)
        try await link.ask(.dieAt(step: step.rawValue))
        let id = OrderID.make()
        let outcome = await customers.place(id)
        if try await wait(until: { isBack("order", 1, since: before) }) { return (id, "") }
        if entry("order", 1)?.endedAt == before?.endedAt {
            try await link.ask(.dieAt(step: nil))
            let fate =
                switch outcome {
                case .placed: "is placed."
                case .refused(let reason): "was not placed. \(reason)"
                case .lost(let reason), .unknown(let reason): "may be placed. \(reason)"
                }
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

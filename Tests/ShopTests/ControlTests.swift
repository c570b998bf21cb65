import Foundation
import NIOCore
import Processes
import Testing
import Tidings

@testable import Shop

@Suite("The start page's buttons", .serialized, .timeLimit(.minutes(4)))
struct ControlTests {
    @Test("each does the real thing, as a person sees it", arguments: TestDatabase.allCases)
    func everyButton(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let person = Person(browser: try await Browser.open(), shop: shop)
            #expect(try await person.press("order").contains("is placed"))
            #expect(try await shop.settledEffects().orders.count == 1)

            for victim in [("order", 1), ("invoicing", 1), ("invoicing", 2)] + TestShop.brokers {
                let before = try await shop.process(victim)
                _ = try await person.press(victim.0 == "invoicing" ? "kill-invoicing-\(victim.1)" : "kill-\(victim.0)")
                try await eventually("new \(victim)", passing: isAway) {
                    let now = try await shop.process(victim)
                    return now?.pid != nil && now?.pid != before?.pid && now?.isReady == true
                }
            }

            try await stopAndCatchUp(person, shop)
            try await grow(person, shop)
            try await holdKafkaBack(person, shop)
            #expect(try await person.press("rebuild").contains("read history again"))
            _ = try await shop.settledStatistics(orders: 2)

            _ = try await person.press("move")
            try await person.browser.go(to: "http://127.0.0.1:\(shop.ports.start)/")
            try await person.browser.type("100", into: "#rate")
            try await person.browser.press("#do-stream")
            try await eventually("the rate that is running", passing: isAway) {
                try await person.browser.text(of: "#stream").contains("up to 100 orders a second")
            }
            #expect(try await person.browser.value(of: "#rate") == "100")
            try await eventually("the stream's orders", passing: isAway) { try await shop.effects().orders.count > 4 }
            try await person.browser.keepPicture(as: "overview-streaming")
            #expect(try await person.press("end-stream").contains("ended"))
            try await compact(person)
            let effects = try await shop.settledEffects()
            #expect(effects.orders == effects.invoices && effects.orders == effects.shipments)
            try await person.browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    private func stopAndCatchUp(_ person: Person, _ shop: TestShop) async throws {
        _ = try await person.press("stop-shipping")
        try await eventually("end of shipping", passing: isAway) { try await shop.process(("shipping", 1))?.pid == nil }
        _ = try await person.press("order")
        try await eventually("the invoice", passing: isAway) { try await shop.effects().invoices.count == 2 }
        #expect(try await shop.effects().shipments.count == 1)
        try await eventually("what the page says", passing: isAway) {
            try await person.browser.text(of: "#now").contains("Stopped: Shipping 1")
        }
        try await person.browser.keepPicture(as: "overview-shipping-stopped")
        _ = try await person.press("start-shipping")
        try await eventually("the shipment", passing: isAway) { try await shop.effects().shipments.count == 2 }
    }

    /// Kafka away: orders are taken, the outbox grows, and all leaves when it is back.
    private func holdKafkaBack(_ person: Person, _ shop: TestShop) async throws {
        guard !TestShop.brokers.isEmpty else { return }
        #expect(try await person.press("stop-broker").contains("wait in the outbox"))
        try await eventually("end of the broker", passing: isAway) { try await shop.process(("broker", 1))?.pid == nil }
        let before = try await shop.effects().invoices.count
        for _ in 0..<2 { #expect(try await person.press("order").contains("is placed")) }
        #expect(try await shop.effects().invoices.count == before)
        try await eventually("what the page says", passing: isAway) {
            try await person.browser.text(of: "#now").contains("2 events in the outbox")
        }
        try await person.browser.keepPicture(as: "overview-broker-stopped")
        // Without JavaScript, too, a page offers what applies and nothing else.
        let tour = try await HTTP.ask("GET", shop.ports.start, "/tour/7", headers: ["Accept": "text/html"]).text
        #expect(
            tour.contains("do-start-broker") && !tour.contains("do-stop-broker") && !tour.contains("do-kill-broker"))
        #expect(tour.contains("2 events in the outbox"))
        #expect(try await person.press("start-broker").contains("in order"))
        try await eventually("their invoices", passing: isAway) {
            try await shop.effects().invoices.count == before + 2
        }
    }

    private func compact(_ person: Person) async throws {
        // Another Kafka's cleaner comes when it likes.
        guard !TestShop.brokers.isEmpty else { return }
        // A segment is closed by the first record that comes when it is five seconds old.
        try await eventually("what compaction took away", passing: isAway) {
            _ = try await person.press("compact")
            return try await person.browser.text(of: "#figures").contains("compacted away")
        }
    }

    private func grow(_ person: Person, _ shop: TestShop) async throws {
        _ = try await person.press("add-invoicing")
        try await eventually("partitions of invoicing 3", passing: isAway) {
            try await shop.owners(in: "invoicing").contains("invoicing-3")
        }
        try await eventually("what the page tells of it", passing: isAway) {
            try await person.browser.text(of: "#chronicle").contains("to Invoicing 3")
        }
        _ = try await person.press("remove-invoicing")
        try await eventually("its partitions with the others", passing: isAway) {
            try await shop.owners(in: "invoicing") == ["invoicing-1", "invoicing-2"]
        }
    }

    @Test(
        "the page says that its stream is lost, and goes on, forms included, with the process that comes back",
        arguments: TestDatabase.bothWhenProving)
    func lostStream(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let running = try await shop.open()
            let browser = try await Browser.open()
            try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)/")
            func says(_ words: String) async throws {
                try await eventually("“\(words)” on the page", passing: isAway) {
                    try await browser.text(of: "#live").contains(words)
                }
            }
            try await says("keeps itself up to date")
            try await shop.kill("start", 1)
            try await says("connection is lost")
            try await says("keeps itself up to date")
            try await browser.press("#do-order")
            try await eventually("outcome", passing: isAway) {
                try await browser.text(of: "#did").contains("is placed")
            }
            try await browser.close()
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("a start page that no supervisor runs can only be looked at")
    func alone() async throws {
        try await withTestShop { shop in
            let page = try shop.start("start")
            _ = try await page.waitForLine(startingWith: "shop start ready")
            let html = try await HTTP.ask("GET", shop.ports.start, "/", headers: ["Accept": "text/html"]).text
            #expect(html.contains("<h1>") && !html.contains("action=\"/do\""))
            #expect(try await HTTP.ask("POST", shop.ports.start, "/do", body: Data()).status == 404)
            try await page.killAndWait()
        }
    }

    @Test("what happened is told from one look to the next, also across a moment in which a partition is nobody's")
    func chronicle() {
        func state(_ owner: String?, _ invoicing: ProcessEntry) -> SystemState {
            SystemState(
                processes: invoicing.pid == nil ? [] : [invoicing], down: invoicing.pid == nil ? [invoicing] : [],
                topic: "order",
                partitions: [
                    PartitionState(
                        partition: 3, endOffset: 0,
                        owners: [PartitionOwner(group: "invoicing", instance: owner, lag: 0)])
                ])
        }
        var chronicle = Chronicle()
        var process = ProcessEntry(role: "invoicing", instance: 2, pid: 1, restarts: 0, readyAt: 1_000)
        chronicle.note(state("invoicing-2", process))
        #expect(chronicle.entries.isEmpty)
        (process.pid, process.lastEnd, process.endedAt) = (nil, "was ended by signal 9", 2_000)
        process.isReady = false
        chronicle.note(state(nil, process))
        #expect(chronicle.entries.map(\.text) == ["Invoicing 2 was ended by signal 9."])
        (process.pid, process.readyAt, process.isReady) = (2, 2_400, true)
        chronicle.note(state("invoicing-1", process))
        #expect(
            chronicle.entries.map(\.text).prefix(2) == [
                "Partition 3 moved from Invoicing 2 to Invoicing 1.", "Invoicing 2 works again, 400 ms after it ended.",
            ])
        #expect(chronicle.entries[1].time == "00:00:02")
        // What is noticed later may have happened before.
        (process.pid, process.lastEnd, process.endedAt) = (3, "was ended by signal 15", 2_500)
        chronicle.note(state("invoicing-1", process), at: Timestamp(millisecondsSince1970: 2_600))
        #expect(
            chronicle.entries.map(\.text).prefix(2) == [
                "Partition 3 moved from Invoicing 2 to Invoicing 1.", "Invoicing 2 was ended by signal 15.",
            ])
    }

    @Test("a process that is stopped while it waits to be started again stays stopped")
    func stoppedInBackoff() {
        var child = Child(role: "broker", instance: 1, arguments: [])
        child.ended(status: 9)
        #expect(child.startAgainAt != nil)
        child.isWanted = false
        #expect(child.startAgainAt == nil && child.description.isStopped)
    }

    @Test("what is known of a process from two places, one of them late, is told once and not again")
    func chronicleOfTwoTales() {
        var late = ProcessEntry(role: "broker", instance: 1, pid: 1, restarts: 0, readyAt: 1_000)
        func state(_ processes: [ProcessEntry], _ down: [ProcessEntry]) -> SystemState {
            SystemState(processes: processes, down: down, topic: "order", partitions: [])
        }
        var chronicle = Chronicle()
        chronicle.note(state([late], []))
        (late.restarts, late.lastEnd, late.endedAt, late.readyAt) = (1, "was ended by signal 9", 2_000, 2_100)
        chronicle.note(state([late], []))
        var stopped = late
        (stopped.pid, stopped.lastEnd, stopped.endedAt) = (nil, "was stopped", 5_000)
        (stopped.isReady, stopped.isStopped) = (false, true)
        late.isStopped = true
        for _ in 0..<3 {
            chronicle.note(state([late], [stopped]))
            chronicle.note(state([late], []))
            chronicle.note(state([], [stopped]))
        }
        #expect(
            chronicle.entries.map(\.text) == [
                "The broker was stopped.", "The broker works again, 100 ms after it ended.",
                "The broker was ended by signal 9.",
            ])
    }

    @Test("requests to the supervisor mean the same on both sides")
    func requests() {
        let requests: [ControlRequest] = [
            .kill(role: "invoicing", instance: 2), .stop(role: "shipping", instance: 1),
            .start(role: "invoicing", instance: 3), .dieAt(step: "publish.send.starts"),
            .dieAt(step: nil),
        ]
        for request in requests { #expect(ControlRequest(request.line) == request) }
        for line in ["", "kill", "kill invoicing", "kill invoicing two", "burn broker 1", "die-at"] {
            #expect(ControlRequest(line) == nil)
        }
    }

    @Test("a supervisor that does not answer is waited for no longer than it may take")
    func silentSupervisor() async throws {
        await #expect(throws: Refusal.self) {
            try await ControlLink(patience: .milliseconds(10)).ask(.kill(role: "order", instance: 1))
        }
    }

    @Test("a stream has the nearest rate that it may have, and says which")
    func streamRate() {
        let customers = Customers(ports: Ports(first: 1), measurements: Measurements()) { nil }
        for (asked, rate) in [(-5, 1), (20, 20), (100_000, 200)] {
            #expect(customers.startStream(rate: asked) == rate && customers.account.rate == rate)
        }
    }

    @Test("lines arrive whole, in whatever pieces a pipe delivers them")
    func lines() {
        var buffer = LineBuffer()
        #expect(buffer.add(Array("shop order re".utf8)).isEmpty)
        #expect(buffer.add(Array("ady\nrequest 1 x\nre".utf8)) == ["shop order ready", "request 1 x"])
        #expect(buffer.add(Array("st\n".utf8)) == ["rest"])
    }
}

/// Someone at the start page.
struct Person: Sendable {
    let browser: Browser
    let shop: TestShop

    /// Presses a button, and returns what the page says was done.
    func press(_ deed: String, on path: String = "/") async throws -> String {
        try await browser.go(to: "http://127.0.0.1:\(shop.ports.start)\(path)")
        try await browser.press("#do-\(deed)")
        return try await eventually("outcome of \(deed)", within: .seconds(15), passing: isAway) {
            let text = try await browser.text(of: "#did, [role=alert]")
            return text.isEmpty ? nil : text
        }
    }
}

extension TestShop {
    func process(_ name: (role: String, instance: Int)) async throws -> ProcessEntry? {
        struct Status: Decodable {
            let processes: [ProcessEntry]
            let down: [ProcessEntry]
        }
        let status = try await HTTP.ask("GET", ports.start, "/status").decoded(Status.self)
        return (status.processes + status.down).first { $0.role == name.role && $0.instance == name.instance }
    }

    func owners(in group: String) async throws -> [String] {
        let state = try await HTTP.ask("GET", ports.start, "/status").decoded(SystemState.self)
        return Set((state.partitions ?? []).compactMap { $0.owner(in: group)?.instance }).sorted()
    }
}

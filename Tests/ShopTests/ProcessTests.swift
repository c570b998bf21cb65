import Foundation
import Processes
import Testing

@testable import Shop

@Suite("The shop's processes", .serialized, .timeLimit(.minutes(3)))
struct ProcessTests {
    @Test(
        "whatever is killed comes back, pages of others stay, and each order has one shipment and one invoice",
        arguments: TestDatabase.allCases)
    func kills(database: TestDatabase) async throws {
        try await withTestShop(on: database) { shop in
            let supervisor = try await shop.open()
            let victims =
                [
                    ("invoicing", 2), ("shipping", 1), ("order", 1), ("invoicing", 1), ("shipping-page", 1),
                    ("invoicing-page", 1), ("start", 1), ("statistics", 1),
                ] + TestShop.brokers
            var placed: [String] = []
            for (round, (role, instance)) in victims.enumerated() {
                for number in 0..<5 {
                    placed.append("\(round)-\(number)-\(role)")
                    try await shop.place("\(round)-\(number)-\(role)")
                }
                try await shop.kill(role, instance)
                for (page, port) in [("shipping-page", shop.ports.shipments), ("invoicing-page", shop.ports.invoices)]
                where page != role {
                    #expect(try await HTTP.ask("GET", port, "/health").status == 200)
                }
            }
            let effects = try await shop.settledEffects()
            #expect(effects.orders == placed.sorted())
            #expect(effects.shipments == placed.sorted())
            #expect(effects.invoices == placed.sorted())
            let statistics = try await shop.settledStatistics(orders: placed.count)
            #expect(statistics.orders == placed.count)
            supervisor.signal(SIGTERM)
            #expect(try await supervisor.waitForExit() == 0)
        }
    }

    @Test("a supervisor that is killed takes everything with it, and the next one goes on where it was")
    func supervisor() async throws {
        try await withTestShop { shop in
            let first = try await shop.open()
            #expect(first.lines.first == "orders      http://127.0.0.1:\(shop.ports.orders)")
            #expect(first.lines.last == "shop ready at http://127.0.0.1:\(shop.port)")
            try await shop.place("before")
            let pids = try await shop.processes().compactMap(\.pid)
            #expect(pids.count == 8 + TestShop.brokers.count)
            try await first.killAndWait()
            try await eventually("end of all processes", within: .seconds(5)) {
                pids.allSatisfy { Foundation.kill($0, 0) != 0 }
            }
            let second = try await shop.open()
            try await shop.place("after")
            #expect(try await shop.settledEffects().invoices == ["after", "before"])
            second.signal(SIGTERM)
            #expect(try await second.waitForExit() == 0)
        }
    }

    @Test("a directory in use and a port in use are said clearly, before anything is started")
    func conflicts() async throws {
        try await withTestShop { shop in
            let running = try await shop.open()
            let sameDirectory = try shop.start("all")
            #expect(try await sameDirectory.waitForExit() == 1)
            #expect(sameDirectory.errors.contains("Another shop is using the data directory"))
            let samePort = try ChildProcess(
                Programs.shop, ["all", "--port", "\(shop.port)", "--data-dir", shop.folder + "/other"])
            #expect(try await samePort.waitForExit() == 1)
            #expect(samePort.errors.contains("Port \(shop.port) (the start page) cannot be used"))
            running.signal(SIGTERM)
            try await running.waitForExit()
        }
    }

    @Test("a Kafka or a PostgreSQL that is not there is said once, with its address, before anything is started")
    func unreachable() async throws {
        try await withTemporaryFolder { folder in
            let nowhere = try freePorts(1)
            func errors(_ options: String...) async throws -> String {
                let process = try ChildProcess(
                    Programs.shop, ["all", "--port", "\(try freePorts(6))", "--data-dir", folder] + options)
                #expect(try await process.waitForExit() == 1)
                #expect(process.errors.split(separator: "\n").count == 2, "\(process.errors)")
                return process.errors
            }
            let kafka = try await errors("--kafka", "127.0.0.1:\(nowhere)")
            #expect(kafka.contains("No broker answers at 127.0.0.1:\(nowhere)") && kafka.contains("Connection refused"))
            let database = try await errors("--database", "postgres://ada:secret@127.0.0.1:\(nowhere)/shop")
            #expect(database.contains("does not answer at postgres://ada@127.0.0.1:\(nowhere)/shop"))
            #expect(database.contains("Connection refused") && !database.contains("secret"))
        }
    }

    @Test("an end that was asked for while Kafka is away is no failure, and says nothing")
    func endWithoutKafka() async throws {
        try await withTemporaryFolder { folder in
            let process = try ChildProcess(
                Programs.shop,
                [
                    "start", "--port", "\(try freePorts(6))", "--data-dir", folder, "--kafka",
                    "127.0.0.1:\(try freePorts(1))",
                ])
            _ = try await process.waitForLine(startingWith: "shop start ready")
            process.signal(SIGTERM)
            #expect(try await process.waitForExit() == 0)
            #expect(!process.errors.contains("CancellationError"), "\(process.errors)")
        }
    }

    @Test(
        "a property that Kafka's clients do not take is said clearly, before anything is started",
        arguments: [
            ("no.such.property=1", "has no property 'no.such.property'"),
            ("session.timeout.ms=soon", "'session.timeout.ms' cannot be 'soon'"),
            ("session.timeout.ms=600000", "max.poll.interval.ms"),
        ])
    func wrongProperty(property: String, reason: String) async throws {
        try await withTestShop { shop in
            let process = try shop.start("all", ["-X", property])
            #expect(try await process.waitForExit() == 1)
            #expect(process.errors.contains(reason), "\(process.errors)")
            #expect(process.errors.split(separator: "\n").count == 1)
        }
    }
}

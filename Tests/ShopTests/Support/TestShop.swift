import Foundation
import Processes
import Synchronization

@testable import Shop

/// A shop of the tests' own, in real processes on ports of its own.
struct TestShop: Sendable {
    let port: Int
    let folder: String
    /// Where its Kafka is, when that is not its own: with topic and groups that no other test has.
    private let kafka = Programs.externalKafka.map { ["--kafka", $0, "--prefix", uniqueName("test") + "-"] } ?? []
    /// Where its databases are, when they are no files.
    private let database: [String]
    private let started = Started()

    private final class Started: Sendable {
        let processes = Mutex<[ChildProcess]>([])
    }

    var ports: Ports { Ports(first: port) }
    /// The shop's own broker, which tests may kill; none when they run against a Kafka from outside.
    static let brokers = Programs.externalKafka == nil ? [("broker", 1)] : []

    init(folder: String, database: String? = nil) throws {
        self.folder = folder
        self.database = database.map { ["--database", $0] } ?? []
        port = try freePorts(6)
    }

    /// Starts `shop all` and waits until it says that it is ready.
    func open() async throws -> ChildProcess {
        let process = try start("all")
        let address = try await process.waitForLine(startingWith: "shop ready at ")
        guard address == "http://127.0.0.1:\(port)" else { throw TestFailure("ready at \(address)") }
        return process
    }

    /// What all of the shop's programs are told.
    var options: [String] { ["--port", "\(port)", "--data-dir", folder + "/shop"] + kafka + database }

    /// Starts one of the shop's programs.
    func start(_ role: String, _ arguments: [String] = []) throws -> ChildProcess {
        let process = try ChildProcess(Programs.shop, [role] + options + arguments)
        started.processes.withLock { $0.append(process) }
        return process
    }

    /// Ends what a test that failed has left running; the parts of a shop end with it.
    fileprivate func end() {
        for process in started.processes.withLock(\.self) { process.signal(SIGKILL) }
    }

    // MARK: What one does with a shop

    /// Places an order and tries again until it is taken; the number makes it one order however often it is sent.
    func place(_ id: String, count: Int = 1) async throws {
        try await eventually("answer to order \(id)", passing: isAway) {
            let answer = try await HTTP.ask("POST", ports.orders, "/orders", json: Self.wish(id, count: count))
            return answer.status == 201 || answer.status == 200
        }
    }

    static func wish(_ id: String, count: Int = 1) -> NewOrder {
        let address = Address(street: "Main St 1", zip: "10115", city: "Berlin")
        return NewOrder(
            id: id, customerId: 1, lines: [.init(itemId: 1, count: count), .init(itemId: 2, count: 1)],
            shippingAddress: address, billingAddress: address)
    }

    func choose(_ sending: String) async throws {
        let answer = try await HTTP.ask("PUT", ports.orders, "/sending", json: SendingChoice(sending: sending))
        guard answer.status == 200 else { throw TestFailure(answer.text) }
    }

    func processes() async throws -> [ProcessEntry] {
        struct Status: Decodable {
            let processes: [ProcessEntry]
        }
        return try await HTTP.ask("GET", ports.start, "/status").decoded(Status.self).processes
    }

    /// Kills a process and waits until another one has taken its place.
    func kill(_ role: String, _ instance: Int = 1) async throws {
        @Sendable func find() async throws -> Int32? {
            try await processes().first { $0.role == role && $0.instance == instance }?.pid
        }
        guard let old = try await find() else { throw TestFailure("there is no \(role) \(instance)") }
        Foundation.kill(old, SIGKILL)
        try await eventually("new \(role) \(instance)", passing: isAway) {
            let new = try await find()
            return new != nil && new != old
        }
    }

    struct Effects: Sendable, Equatable {
        var orders: [String]
        var shipments: [String]
        var invoices: [String]
    }

    /// The orders' numbers at the three services, sorted, doubles included.
    func effects() async throws -> Effects {
        struct OrderNumber: Decodable {
            let id: String
        }
        struct Reference: Decodable {
            let orderId: String
        }
        async let orders = HTTP.ask("GET", ports.orders, "/orders").decoded([OrderNumber].self)
        async let shipments = HTTP.ask("GET", ports.shipments, "/shipments").decoded([Reference].self)
        async let invoices = HTTP.ask("GET", ports.invoices, "/invoices").decoded([Reference].self)
        return try await Effects(
            orders: orders.map(\.id).sorted(), shipments: shipments.map(\.orderId).sorted(),
            invoices: invoices.map(\.orderId).sorted())
    }

    /// Waits until every order has reached shipping and invoicing, and returns what is there then.
    func settledEffects() async throws -> Effects {
        try await eventually("settled shop", passing: isAway) {
            let effects = try await effects()
            let isSettled =
                Set(effects.orders).isSubset(of: effects.shipments)
                && Set(effects.orders).isSubset(of: effects.invoices)
            return isSettled ? effects : nil
        }
    }

    struct Statistics: Decodable, Sendable, Equatable {
        var ready: Bool
        var orders: Int
        var waiting: Int
        var revenueCents: Int
    }

    /// Waits until the statistics have heard of so many orders, and of a shipment for each.
    func settledStatistics(orders: Int) async throws -> Statistics {
        try await eventually("statistics of \(orders) orders", passing: isAway) {
            let now = try await HTTP.ask("GET", ports.statistics, "/statistics").decoded(Statistics.self)
            return now.ready && now.orders >= orders && now.waiting == 0 ? now : nil
        }
    }
}

/// What keeps the services' rows.
enum TestDatabase: CaseIterable, Sendable {
    case sqlite, postgres

    /// For tests in which the store has little part: the second one only where the long sweeps are asked for.
    static let bothWhenProving: [TestDatabase] = Programs.proves ? allCases : [.sqlite]
}

/// Runs `body` with a shop in a temporary folder, and with databases of its own.
func withTestShop(
    on database: TestDatabase = .sqlite, _ body: @Sendable (TestShop) async throws -> Void
) async throws {
    try await withTemporaryFolder { folder in
        guard database == .postgres else {
            let shop = try TestShop(folder: folder)
            defer { shop.end() }
            return try await body(shop)
        }
        // Nobody has made a database of that name: the shop has to find its way through another one.
        let name = "shop_test_\(UInt32.random(in: 0 ..< .max))"
        let url = postgresURL(try await PostgresServer.sharedURL(), database: name)
        let shop = try TestShop(folder: folder, database: url)
        let outcome = await Result { try await body(shop) }
        shop.end()
        for service in ["order", "shipping", "invoicing"] { try await PostgresServer.drop("\(name)_\(service)") }
        try outcome.get()
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}

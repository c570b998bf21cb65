import CPQ
import Logging
import Processes
import Testing
import Tidings
import TidingsPostgres
import TidingsTesting

/// What is asked of a driver: to run a statement on a connection of its own.
protocol OtherConnection {
    func run(_ sql: String, _ parameters: [PostgresValue]) async throws
}

extension OtherConnection {
    /// Does something in a transaction of this driver's, and tells of it.
    func publish<E: Event>(
        _ event: E, to topic: Topic<E>, by publisher: Publisher<PostgresStore>, action: () async throws -> Void
    ) async throws {
        let record = try publisher.record(of: event, to: topic)
        try await run("begin", [])
        do {
            try await action()
            for statement in publisher.store.statements(appending: [record]) {
                try await run(statement.sql, statement.parameters)
            }
            try await run("commit", [])
        } catch {
            try? await run("rollback", [])
            throw error
        }
        publisher.store.noteAppended()
    }
}

@Suite("Tutorial: another driver for PostgreSQL", .timeLimit(.minutes(2)))
struct AnotherDriver {
    private let orders = Topic<OrderPlaced>("order")

    @Test(
        "appends in its own transaction: both or neither, in the order of the commits, and the relay is woken",
        arguments: [false, true])
    func appends(inLog: Bool) async throws {
        struct OutOfStock: Error {}
        try await withPostgresDatabase(onOwnServer: inLog) { url in
            let logger = quiet
            let store = try await PostgresStore(
                PostgresConfiguration(url), outbox: inLog ? .log : .table, logger: logger)
            let publisher = Publisher(store: store, source: "/shop/order")
            let other = try Libpq(url)
            try await other.run("create table purchase (id text primary key)", [])
            let sender = RecordingSender()
            // It looks by itself once in an hour.
            var configuration = OutboxRelayConfiguration()
            configuration.pollInterval = .seconds(3600)
            configuration.leaseDuration = .seconds(10_000)
            let relay = OutboxRelay(store: store, producer: sender, configuration: configuration, logger: logger)
            let relaying = Task { try await relay.run() }
            for number in 0..<5 {
                try await other.publish(OrderPlaced(order: "1", cents: number), to: orders, by: publisher) {
                    try await other.run("insert into purchase values ($1)", [.text("\(number)")])
                }
                await #expect(throws: OutOfStock.self) {
                    try await other.publish(OrderPlaced(order: "1", cents: -1), to: orders, by: publisher) {
                        throw OutOfStock()
                    }
                }
            }
            let records = await sender.records(atLeast: 5)
            let sent = try records.map { try JSONCodec().decode(OrderPlaced.self, from: $0.value ?? []).cents }
            #expect(sent == [0, 1, 2, 3, 4])
            let count: Int = try await store.transaction { try $0.query("select count(*) from purchase")[0][0] }
            #expect(count == 5)
            relaying.cancel()
            _ = await relaying.result
            store.close()
            if inLog {
                let pool = PostgresPool(PostgresConfiguration(url), logger: logger)
                try await PostgresLog.remove(pool)
                pool.close()
            }
        }
    }

    @Test("several records of a transaction go at once, whatever their keys and topics")
    func several() async throws {
        try await withPostgresDatabase { url in
            let store = try await PostgresStore(PostgresConfiguration(url), logger: quiet)
            let publisher = Publisher(store: store, source: "/shop/order")
            let other = try Libpq(url)
            let records = try (0..<20).map { number in
                try publisher.record(of: OrderPlaced(order: "\(number % 3)", cents: number), to: orders)
            }
            try await other.run("begin", [])
            for statement in store.statements(appending: records) {
                try await other.run(statement.sql, statement.parameters)
            }
            try await other.run("commit", [])
            let sender = RecordingSender()
            let relaying = Task {
                try await OutboxRelay(store: store, producer: sender, logger: quiet).run()
            }
            let sent = await sender.records(atLeast: 20)
            #expect(Set(sent.map(\.eventID)) == Set(records.map(\.eventID)))
            for key in 0..<3 {
                let own = { (all: [EventRecord]) in all.filter { $0.key == Array("\(key)".utf8) }.map(\.eventID) }
                #expect(own(sent) == own(records))
            }
            relaying.cancel()
            _ = await relaying.result
            store.close()
        }
    }
}

/// The C library itself, as a driver that knows nothing of Tidings. `@unchecked Sendable`: one task uses it at a time.
private final class Libpq: OtherConnection, @unchecked Sendable {
    private let connection: OpaquePointer

    struct Refused: Error { var message: String }

    init(_ url: String) throws {
        guard let connection = PQconnectdb(url) else { throw Refused(message: "no memory") }
        self.connection = connection
        guard PQstatus(connection) == CONNECTION_OK else { throw refused }
    }

    deinit { PQfinish(connection) }

    private var refused: Refused { Refused(message: String(cString: PQerrorMessage(connection))) }

    func run(_ sql: String, _ parameters: [PostgresValue]) async throws {
        let values = parameters.map { value in
            value.bytes.map { bytes in
                let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
                for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
                copy[bytes.count] = 0
                return copy
            }
        }
        defer { for value in values { value?.deallocate() } }
        let result = PQexecParams(
            connection, sql, Int32(parameters.count), parameters.map(\.type), values.map { UnsafePointer($0) },
            parameters.map { Int32($0.bytes?.count ?? 0) }, parameters.map { $0.isBinary ? 1 : 0 }, 0)
        defer { PQclear(result) }
        guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else { throw refused }
    }
}

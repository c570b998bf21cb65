import Processes
import Synchronization
import Testing
import Tidings
import TidingsPostgres
import TidingsTesting

@Suite("An outbox in the log of a server that goes and comes", .serialized, .timeLimit(.minutes(2)))
struct LogServerTests {
    @Test("a server shuts down although events wait for Kafka, and they go when both are back")
    func shutdown() async throws {
        let server = try await PostgresServer()
        let store = try await PostgresStore(PostgresConfiguration(server.url()), outbox: .log, logger: quiet)
        let isAway = Mutex(true)
        let sender = RecordingSender { _ in
            isAway.withLock({ $0 }) ? SendFailure(message: "away", isRetriable: true) : nil
        }
        try await store.relaying(store.relay(to: sender)) {
            for id in ["1", "2", "3"] { try await store.append(id) }
            while try await !store.slot().isActive { await Task.yield() }
            try await server.stop()
            try await server.start()
            isAway.withLock { $0 = false }
            #expect(await sender.ids(atLeast: 3) == ["1", "2", "3"])
            try await persistently(store) { try await store.append("4") }
            #expect(await sender.ids(atLeast: 4).last == "4")
        }
        store.close()
        try await server.remove()
    }

    @Test("after a crash of the server nothing is missing, and what comes again carries the stamps it had")
    func crash() async throws {
        let server = try await PostgresServer()
        let store = try await PostgresStore(PostgresConfiguration(server.url()), outbox: .log, logger: quiet)
        let sender = RecordingSender()
        try await store.relaying(store.relay(to: sender)) {
            for round in 0..<3 {
                for number in 0..<20 { try await store.append("\(round)-\(number)") }
                _ = await sender.records(atLeast: round * 20 + 5)
                try await server.kill()
                try await server.start()
                try await persistently(store) { try await store.append("\(round)-after") }
            }
            var memory = StampMemory()
            var handled: [String] = []
            var count = 0
            while handled.last != "2-after" {
                for record in sender.records.dropFirst(count) {
                    count += 1
                    let stamp = try #require(EventStamp(record.headers))
                    if memory.insert(stamp) { handled.append(record.eventID.rawValue) }
                }
                await Task.yield()
            }
            #expect(handled == (0..<3).flatMap { round in (0..<20).map { "\(round)-\($0)" } + ["\(round)-after"] })
        }
        store.close()
        try await server.remove()
    }

    @Test("log that the server has removed, because it was too much, is an error and no silent gap")
    func removedLog() async throws {
        let server = try await PostgresServer(settings: ["max_slot_wal_keep_size": "1MB", "max_wal_size": "32MB"])
        let store = try await PostgresStore(PostgresConfiguration(server.url()), outbox: .log, logger: quiet)
        try await store.append("will be lost")
        for _ in 0..<3 {
            try await store.transaction { db in
                try db.execute("create table bulk as select repeat('x', 1000) from generate_series(1, 1000)")
                try db.execute("drop table bulk")
                _ = try db.query("select pg_switch_wal()")
            }
            try await store.pool.executeAlone("checkpoint")
        }
        #expect(await postgresError { try await store.relay(to: RecordingSender()).run() }?.code == .slotLost)
        #expect(await postgresError { try await store.again() }?.code == .slotLost)
        store.close()
        try await server.remove()
    }
}

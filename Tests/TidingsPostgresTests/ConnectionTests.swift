import Foundation
import Processes
import Synchronization
import Testing

@testable import TidingsPostgres

@Suite("Connections to PostgreSQL", .timeLimit(.minutes(3)))
struct ConnectionTests {
    @Test("a connection that the server kills is a retriable error, and the pool goes on with another")
    func terminated() async throws {
        try await withPool { pool in
            let victim = try await pool.transaction { db in db.processID }
            let error = await postgresError {
                try await pool.transaction { db in
                    _ = try db.query("select pg_terminate_backend(pg_backend_pid())")
                    _ = try db.query("select 1")
                }
            }
            #expect(error?.code == .connectionLost)
            #expect(error?.isRetriable == true)
            let next = try await pool.transaction { db in db.processID }
            #expect(next != victim)
        }
    }

    @Test("a connection that broke while it was idle is replaced, and nobody notices")
    func terminatedIdle() async throws {
        try await withPool { pool in
            let victim = try await pool.transaction { db in db.processID }
            let other = PostgresPool(pool.configuration, logger: quiet)
            defer { other.close() }
            try await other.transaction { db in
                _ = try db.query("select pg_terminate_backend($1)", victim)
            }
            try await other.waitUntil("select not exists (select from pg_stat_activity where pid = \(victim))")
            let next = try await pool.transaction { db in
                _ = try db.query("select 1")
                return db.processID
            }
            #expect(next != victim)
        }
    }

    @Test("a pool that is closed, or let go of, leaves no connection behind")
    func closes() async throws {
        try await withPool { pool in
            let closed = PostgresPool(pool.configuration, logger: quiet)
            try await closed.transaction { db in _ = try db.query("select 1") }
            closed.close()
            let error = await postgresError { try await closed.transaction { _ in } }
            #expect(error?.code == .closed)
            try await PostgresPool(pool.configuration, logger: quiet).transaction { db in _ = try db.query("select 1") }
            try await pool.waitUntil("select count(*) = 1 from pg_stat_activity where datname = current_database()")
        }
    }

    @Test("after a restart of the server the pool works again", .enabled(if: PostgresServer.programs != nil))
    func restart() async throws {
        let server = try await PostgresServer()
        var configuration = PostgresConfiguration(server.url())
        configuration.maximumConnections = 2
        let pool = PostgresPool(configuration, logger: quiet)
        defer { pool.close() }
        try await pool.transaction { db in try db.execute("create table t (a int)") }
        try await server.kill()
        let error = await postgresError {
            try await pool.transaction { db in try db.execute("insert into t values (1)") }
        }
        #expect(error?.code == .connectionFailed)
        #expect(error?.isRetriable == true)
        try await server.start()
        try await pool.transaction { db in try db.execute("insert into t values (1)") }
        #expect(try await pool.count("t") == 1)
        try await server.remove()
    }

    @Test(
        "a connection that breaks during the commit leaves its outcome open, and the error says so",
        .enabled(if: PostgresServer.programs != nil))
    func commitUnknown() async throws {
        let server = try await PostgresServer()
        let store = try await PostgresStore(PostgresConfiguration(server.url()), logger: quiet)
        defer { store.close() }
        try await store.pool.transaction { db in
            try db.execute("create table t (a int)")
            try db.execute(
                """
                create function linger() returns trigger language plpgsql as
                'begin perform pg_sleep(600); return null; end'
                """)
            try db.execute(
                """
                create constraint trigger linger after insert on t deferrable initially deferred
                for each row execute function linger()
                """)
        }
        let writing = Task {
            await postgresError {
                try await store.transaction { db in try db.execute("insert into t values (1)") }
            }
        }
        try await store.pool.waitUntil(
            "select exists (select from pg_stat_activity where query = 'commit' and wait_event = 'PgSleep')")
        try await server.kill()
        let error = await writing.value
        #expect(error?.code == .commitUnknown)
        #expect(error?.isRetriable == false)
        #expect(store.isRetriable(try #require(error)))
        try await server.remove()
    }

    @Test("a connection string that libpq cannot read is a fatal error")
    func badConnectionString() async throws {
        let pool = PostgresPool(PostgresConfiguration("host=localhost nonsense=1"), logger: quiet)
        let error = await postgresError { try await pool.transaction { _ in } }
        // An empty transaction needs a connection, too.
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.isFatal == true)
    }

    @Test("a task that is cancelled breaks off its statement")
    func cancellation() async throws {
        try await withPool { pool in
            let started = Gate()
            let task = Task {
                try await pool.transaction { db in
                    _ = try db.query("select 1")
                    started.open()
                    _ = try db.query("select pg_sleep(600)")
                }
            }
            await started.wait()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            let rows = try await pool.transaction { db in try db.query("select 1") }
            #expect(rows.count == 1)
        }
    }

    @Test("a statement that takes too long is a timeout, and the connection goes on")
    func statementTimeout() async throws {
        try await withPool({
            $0.statementTimeout = .milliseconds(50)
            $0.maximumConnections = 1
        }) { pool in
            let before = try await pool.transaction { db in db.processID }
            let error = await postgresError {
                try await pool.transaction { db in _ = try db.query("select pg_sleep(600)") }
            }
            #expect(error?.code == .timeout)
            #expect(error?.sqlState == .queryCanceled)
            #expect(try await pool.transaction { db in db.processID } == before)
        }
    }

    @Test("whoever waits too long for a connection is told so, and one that is cancelled lets go")
    func poolLimits() async throws {
        try await withPool({
            $0.maximumConnections = 1
            $0.acquireTimeout = .milliseconds(100)
        }) { pool in
            let (taken, release) = (Gate(), Gate())
            let holder = Task {
                let connection = pool
                try await connection.transaction { db in
                    taken.open()
                    release.waitBlocking()
                    _ = try db.query("select 1")
                }
            }
            await taken.wait()
            let error = await postgresError { try await pool.transaction { _ in } }
            #expect(error?.code == .poolTimeout)
            #expect(error?.isRetriable == true)
            let waiting = Task { try await pool.transaction { _ in } }
            waiting.cancel()
            await #expect(throws: (any Error).self) { try await waiting.value }
            release.open()
            try await holder.value
            try await pool.transaction { db in _ = try db.query("select 1") }
        }
    }

    @Test("a transaction that met a conflict runs again by itself")
    func serializationFailure() async throws {
        try await withPool({ $0.isolation = .serializable }) { pool in
            try await pool.transaction { db in
                try db.execute("create table t (a int)")
                try db.execute("insert into t values (0)")
            }
            try await withThrowingTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask {
                        try await pool.transaction { db in
                            let a: Int = try db.query("select a from t")[0][0]
                            try db.execute("update t set a = $1", Int32(a + 1))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let sum = try await pool.transaction { db -> Int in try db.query("select a from t")[0][0] }
            #expect(sum == 4)
        }
    }

    @Test("a deadlock is broken, and both transactions succeed")
    func deadlock() async throws {
        try await withPool { pool in
            try await pool.transaction { db in
                try db.execute("create table t (a int, b int default 0)")
                try db.execute("insert into t values (1), (2)")
            }
            let meeting = Meeting(of: 2)
            let touch: @Sendable ([Int]) async throws -> Void = { order in
                let first = Mutex(true)
                try await pool.transaction { db in
                    try db.execute("update t set b = b + 1 where a = $1", order[0])
                    if first.withLock({ exchange(&$0, with: false) }) { meeting.arrive() }
                    try db.execute("update t set b = b + 1 where a = $1", order[1])
                }
            }
            async let one: Void = touch([1, 2])
            async let two: Void = touch([2, 1])
            _ = try await (one, two)
            let sum = try await pool.transaction { db -> Int in try db.query("select sum(b) from t")[0][0] }
            #expect(sum == 4)
        }
    }

    @Test("commits wait for the disk even where the server's default says otherwise")
    func synchronousCommit() async throws {
        try await withPool { pool in
            let name: String = try await pool.transaction { db in try db.query("select current_database()")[0][0] }
            try await pool.executeAlone("alter database \(name) set synchronous_commit = off")
            for (durably, setting) in [(true, "on"), (false, "off")] {
                var configuration = pool.configuration
                configuration.commitsDurably = durably
                let other = PostgresPool(configuration, logger: quiet)
                defer { other.close() }
                let found: String = try await other.transaction { db in try db.query("show synchronous_commit")[0][0] }
                #expect(found == setting)
            }
        }
    }

    @Test("behind a pooler the settings are those of a transaction, and nothing is left on the connection")
    func behindPooler() async throws {
        try await withPool { pool in
            let name: String = try await pool.transaction { db in try db.query("select current_database()")[0][0] }
            try await pool.executeAlone("alter database \(name) set synchronous_commit = off")
            var configuration = pool.configuration
            configuration.statementCacheSize = 0
            configuration.maximumConnections = 1
            configuration.statementTimeout = .seconds(7)
            let other = PostgresPool(configuration, logger: quiet)
            defer { other.close() }
            let settings = "select current_setting('synchronous_commit') || ' ' || current_setting('statement_timeout')"
            for _ in 0..<2 {
                let found: String = try await other.transaction { db in try db.query(settings)[0][0] }
                #expect(found == "on 7s")
            }
            // What else there is to see of the session is seen from outside a transaction.
            try await other.executeAlone("create table left_behind as \(settings)")
            let left: String = try await pool.transaction { db in try db.query("select * from left_behind")[0][0] }
            #expect(left == "off 0")
        }
    }

    @Test("processes that start at once make the tables once, whatever isolation they are configured with")
    func migrateTogether() async throws {
        try await withPool({ $0.isolation = .serializable }) { pool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 { group.addTask { try await PostgresSchema.migrate(pool) } }
                try await group.waitForAll()
            }
            #expect(try await PostgresSchema.version(of: pool) == PostgresSchema.version)
        }
    }

    @Test("an error that ends a connection during the commit leaves it in doubt, unless an administrator ended it")
    func commitDoubt() {
        for (state, code) in [
            (SQLState.adminShutdown, PostgresError.Code.connectionLost), (SQLState(rawValue: "08P01"), .commitUnknown),
            (SQLState(rawValue: "25P03"), .connectionLost),
            (SQLState(rawValue: "57P02"), .commitUnknown), (nil, .commitUnknown),
        ] {
            let error = PostgresError(.connectionLost, "the connection broke", sqlState: state)
            #expect(PostgresTransaction.duringCommit(error).code == code, "\(String(describing: state))")
        }
    }
}

extension PostgresPool {
    func waitUntil(_ query: String) async throws {
        while try await !transaction({ db -> Bool in try db.query(query)[0][0] }) { await Task.yield() }
    }
}

private func exchange<T>(_ value: inout T, with new: T) -> T {
    defer { value = new }
    return value
}

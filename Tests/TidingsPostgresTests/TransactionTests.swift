import Foundation
import Testing
import Tidings

@testable import TidingsPostgres

@Suite("Transactions on PostgreSQL", .timeLimit(.minutes(2)))
struct TransactionTests {
    @Test("values come back as they were given")
    func values() async throws {
        try await withSchema { pool in
            let uuid = UUID()
            let rows = try await pool.transaction { db in
                try db.query(
                    """
                    select $1::bool, $2::smallint, $3::integer, $4::bigint, $5::float8, $6::text, $7::bytea, $8::uuid,
                        $9::timestamptz, $10::text, $11::jsonb
                    """, true, Int16(-2), Int32(70_000), Int.max, 0.1, "Zoë’s ☃", [0, 255, 7] as [UInt8], uuid,
                    Timestamp(millisecondsSince1970: 1_751_290_000_123), nil, "{\"a\": 1}")
            }
            let row = try #require(rows.first)
            #expect(try row[0] == true)
            #expect(try row[1] == Int16(-2))
            #expect(try row[2] == Int32(70_000))
            #expect(try row[3] == Int.max)
            #expect(try row[4] == Double(0.1))
            #expect(try row[5] == "Zoë’s ☃")
            #expect(try row[6] == [0, 255, 7] as [UInt8])
            #expect(try row[7] == uuid)
            #expect(try row[8] == Timestamp(millisecondsSince1970: 1_751_290_000_123))
            #expect(try row[9] == String?.none)
            #expect(try row["jsonb"] == "{\"a\": 1}")
        }
    }

    @Test(
        "numbers of any precision are read exactly",
        arguments: [
            "0", "1", "-1", "0.10", "12345678.90", "-0.0001", "100000000", "99999999999999999999.123456789", "NaN",
            "0.00010001", "10000.00000", "-20000",
        ])
    func numeric(text: String) async throws {
        try await withSchema { pool in
            let rows = try await pool.transaction { db in try db.query("select $1::numeric", text) }
            #expect(try rows[0][0] == text)
            if text != "NaN" { #expect(try rows[0][0] == Decimal(string: text)) }
        }
    }

    @Test("a value that does not fit its type is an error, not a guess")
    func decoding() async throws {
        try await withSchema { pool in
            let rows = try await pool.transaction { db in try db.query("select null::int as a, 70000 as b, 'x' as c") }
            #expect(throws: PostgresError.self) { let _: Int = try rows[0]["a"] }
            #expect(throws: PostgresError.self) { let _: Int16 = try rows[0]["b"] }
            #expect(throws: PostgresError.self) { let _: Int = try rows[0]["c"] }
            #expect(throws: PostgresError.self) { let _: Int = try rows[0]["d"] }
            #expect(try rows[0]["a"] == Int?.none)
        }
    }

    @Test("a transaction whose closure throws leaves nothing, and the closure's own error comes out")
    func rollback() async throws {
        struct Change: Error {}
        try await withSchema { pool in
            try await pool.transaction { db in try db.execute("create table t (a int)") }
            await #expect(throws: Change.self) {
                try await pool.transaction { db in
                    #expect(try db.execute("insert into t select generate_series(1, 3)") == 3)
                    throw Change()
                }
            }
            #expect(try await pool.count("t") == 0)
        }
    }

    @Test("a savepoint undoes its own part only, a nested one too")
    func savepoints() async throws {
        struct Change: Error {}
        try await withSchema { pool in
            try await pool.transaction { db in
                try db.execute("create table t (a int primary key)")
                try db.execute("insert into t values (1)")
                let error = #expect(throws: PostgresError.self) {
                    try db.savepoint { db in
                        try db.execute("insert into t values (2)")
                        try db.execute("insert into t values (1)")
                    }
                }
                #expect(error?.sqlState == .uniqueViolation)
                #expect(error?.constraint == "t_pkey")
                #expect(error?.isRetriable == false)
                try db.savepoint { db in
                    try db.execute("insert into t values (3)")
                    try? db.savepoint { db in
                        try db.execute("insert into t values (4)")
                        throw Change()
                    }
                }
            }
            let rows = try await pool.transaction { db in try db.query("select a from t order by a") }
            #expect(try rows.map { try $0[0] } == [1, 3])
        }
    }

    @Test("a failure that was swallowed does not pass for a commit")
    func swallowedFailure() async throws {
        try await withSchema { pool in
            try await pool.transaction { db in try db.execute("create table t (a int primary key)") }
            let error = await postgresError {
                try await pool.transaction { db in
                    try db.execute("insert into t values (1)")
                    _ = try? db.execute("insert into t values (1)")
                }
            }
            #expect(error?.code == .transactionAborted)
            #expect(try await pool.count("t") == 0)
        }
    }

    @Test(
        "statements that end or nest a transaction behind our back are refused",
        arguments: ["commit", " -- now\n ROLLBACK", "/* a /* nested */ b */ savepoint x", "begin", "; abort"])
    func transactionControl(sql: String) async throws {
        try await withSchema { pool in
            let error = await postgresError { _ = try await pool.transaction { db in try db.execute(sql) } }
            #expect(error?.code == .transactionControl)
        }
    }

    @Test("text with U+0000 is refused, not cut off, and the transaction is still one")
    func zeroCharacter() async throws {
        struct Change: Error {}
        try await withSchema { pool in
            try await pool.transaction { db in try db.execute("create table t (a text)") }
            await #expect(throws: Change.self) {
                try await pool.transaction { db in
                    let error = #expect(throws: PostgresError.self) {
                        try db.execute("insert into t values ($1)", "a\0b")
                    }
                    #expect(error?.code == .statement)
                    try db.execute("insert into t values ('a')")
                    throw Change()
                }
            }
            #expect(try await pool.count("t") == 0)
        }
    }

    @Test("a prepared statement outlives a change of its table")
    func staleStatement() async throws {
        try await withSchema({ $0.maximumConnections = 1 }) { pool in
            try await pool.transaction { db in
                try db.execute("create table t (a int)")
                try db.execute("insert into t values (1)")
            }
            let read: @Sendable (PostgresTransaction) throws -> Int = { try $0.query("select * from t").columns.count }
            #expect(try await pool.transaction(read) == 1)
            try await pool.transaction { db in try db.execute("alter table t add b int") }
            #expect(try await pool.transaction(read) == 2)
        }
    }

    @Test("more statements than are kept still work", arguments: [0, 2])
    func smallCache(size: Int) async throws {
        try await withSchema({
            $0.maximumConnections = 1
            $0.statementCacheSize = size
        }) { pool in
            for round in 0..<3 {
                try await pool.transaction { db in
                    for number in 0..<6 {
                        let sum: Int = try db.query("select \(number) + $1", round)[0][0]
                        #expect(sum == number + round)
                    }
                }
            }
            let kept = try await pool.transaction { db -> Int in
                try db.query("select count(*) from pg_prepared_statements")[0][0]
            }
            #expect(kept <= max(size, 0))
        }
    }

    @Test("results are read in order as they come; what their reader throws is thrown once all are there")
    func readsAsTheyCome() async throws {
        struct Unreadable: Error {}
        try await withPool { pool in
            let requests = (1...3).map { PostgresRequest(sql: "select \($0)::bigint from generate_series(1, 2000)") }
            let (read, found) = try await pool.transaction { db in
                var read: [Int64] = []
                let results = try db.exchange(requests) { index, result in
                    #expect(index == read.count)
                    read.append(try PostgresRows(result: result)[1999][0])
                }
                return (read, try results.map { try PostgresRows(result: $0)[0][0] as Int64 })
            }
            #expect(read == [1, 2, 3] && found == read)
            try await pool.transaction { db in
                var indices: [Int] = []
                #expect(throws: Unreadable.self) {
                    try db.exchange(requests) { index, _ in
                        indices.append(index)
                        if index == 1 { throw Unreadable() }
                    }
                }
                #expect(indices == [0, 1], "what comes after it is not read")
                // Nothing is left over that the next statement would take for its own.
                let next: Int64 = try db.query("select 4::bigint")[0][0]
                #expect(next == 4)
            }
        }
    }

    @Test("a statement that gives way to another of the same round trip is prepared anew behind it")
    func evictedMeanwhile() async throws {
        try await withSchema({
            $0.maximumConnections = 1
            $0.statementCacheSize = 1
        }) { pool in
            let numbers = try await pool.transaction { db -> [Int] in
                let requests = [1, 2, 1].map { PostgresRequest(sql: "select \($0)") }
                _ = try db.exchange([requests[0]])
                return try db.exchange(requests).map { try PostgresRows(result: $0)[0][0] }
            }
            #expect(numbers == [1, 2, 1])
        }
    }

    @Test("what is to happen after the commit happens then, and not after a rollback")
    func afterCommit() async throws {
        struct Change: Error {}
        let signal = OutboxSignal()
        try await withSchema { pool in
            try? await pool.transaction { db in
                try db.afterCommit { Issue.record("it was rolled back") }
                throw Change()
            }
            try await pool.transaction { db in try db.afterCommit { signal.raise() } }
            await signal.wait()
        }
    }
}

extension PostgresPool {
    func count(_ table: String) async throws -> Int {
        try await transaction { db in try db.query("select count(*) from \(table)")[0][0] }
    }
}

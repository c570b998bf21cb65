import Processes
import Testing
import Tidings
import TidingsAudit

/// The sweep that `tidings compare --faults` carries out, with the program that carries it out.
@Suite(.serialized, .timeLimit(.minutes(20))) struct SweepTests {
    private func sweep(_ plan: SweepPlan, _ databases: [SweepDatabase]) async throws {
        try await withTemporaryFolder { folder in
            let sweep = Sweep(program: [Programs.tidings, "subject"], folder: folder, databases: databases)
            let report = try await sweep.run(plan)
            #expect(report.failures.isEmpty, "\(report)")
            #expect(report.rows.count == plan.trials.count)
        }
    }

    @Test("a sample: the outbox keeps its promise, after the action loses, before the action invents")
    func sample() async throws {
        try await sweep(.sample(on: .sqlite), [.sqlite])
    }

    @Test(
        "every step, every other fault, kills at random moments, in every way, on SQLite",
        .enabled(if: Programs.proves))
    func everythingOnSQLite() async throws {
        try await sweep(.everything(on: [.sqlite]), [.sqlite])
    }

    @Test(
        "every step, every other fault, kills at random moments, in every way, on PostgreSQL",
        .enabled(if: Programs.proves))
    func everythingOnPostgres() async throws {
        let server = try await PostgresServer()
        let database = SweepDatabase.postgres(server.url()) {
            try await server.kill()
            try await server.start()
        }
        try await sweep(.everything(on: [database]), [database])
        try await server.remove()
    }
}

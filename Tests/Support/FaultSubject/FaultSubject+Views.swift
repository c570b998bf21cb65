import GRDB
import Glibc
import KafkaClient
import Logging
import ServiceLifecycle
import Tidings
import TidingsAudit
import TidingsSQLite
import UnixSignals

/// Views for the fault tests to kill: one in memory that snapshots and rebuilds without a pause, one in the database that
/// builds its version beside the one that answers. Prints
///
///     answered VERSION ROWS      what answers at once in the database
///     memory ROWS                what the view in memory holds when it is ready
///     stored ROWS                what this version holds in the database when it is ready
///
/// where rows are `KEY=VALUE` in the order of the keys, with commas between.
extension FaultSubject {
    static func view(_ options: Options) async throws {
        let store = try SQLiteStore(path: try options.required("database"))
        let version = Int32(options.number("version") ?? 1)
        let kafka = KafkaConfiguration(try options.required("kafka"))
        let topic = try options.required("topic")
        let probe = try KillProbe.fromEnvironment()
        let place: SnapshotPlace = options["snapshot"].map { .file($0) } ?? .database(store)
        var snapshots = ViewSnapshots<[String: String]>.json(in: place, version: version)
        snapshots.interval = .milliseconds(1)
        snapshots = snapshots.answering(from: version - 1, decode: snapshots.decode)
        var configuration = ViewConfiguration()
        configuration.maximumBatchCount = 10
        let view = View(
            "subject", of: [topic], initial: [String: String](), kafka: kafka, configuration: configuration,
            snapshots: snapshots, probe: probe, logger: logger)
        view.foldRecords { rows, record in rows[text(record.key)] = record.value.map { text($0) } }
        let stored = StoredView(
            "subject", version: version, rebuilding: .beside, of: [topic], store: store, kafka: kafka,
            configuration: configuration, probe: probe, logger: logger
        ) { db in
            try db.execute(sql: "DROP TABLE IF EXISTS kept_\(version)")
            try db.execute(sql: "CREATE TABLE kept_\(version) (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        }
        stored.foldRecords { db, record in
            let arguments: StatementArguments = [text(record.key), text(record.value)]
            try db.execute(sql: "INSERT OR REPLACE INTO kept_\(version) VALUES (?, ?)", arguments: arguments)
        }
        try await ServiceGroup(
            services: [view, stored, Report(view: view, stored: stored)], gracefulShutdownSignals: [.sigterm],
            logger: logger
        ).run()
    }

    static func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

    static func say(_ what: String, _ rows: [String: String]) {
        say(what + " " + rows.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","))
    }

    private struct Report: Service {
        let view: View<[String: String]>
        let stored: StoredView<SQLiteStore>

        func run() async throws {
            do {
                let (version, rows) = try await stored.read { db, version in (version, try kept(version, db)) }
                say("answered \(version)", rows)
            } catch let error as TidingsError where error.code == .viewNotReady {
                say("answered nothing", [:])
            }
            say("memory", try await view.readWhenReady { $0 })
            let version = stored.version
            say("stored", try await stored.readWhenReady { try kept(version, $0) })
            while !Task.isShuttingDownGracefully {
                view.rebuild()
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    @Sendable private static func kept(_ version: Int32, _ db: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(db, sql: "SELECT key, value FROM kept_\(version)")
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], $0[1]) })
    }
}

import KafkaClient
import Logging
import ServiceLifecycle
import Tidings
import TidingsAudit
import TidingsSQLite
import UnixSignals

/// A view that could be shared out, for the fault tests to kill: one instance, which takes snapshots of its partitions
/// without a pause. Prints
///
///     answered nothing           when it begins
///     shared ROWS                what it holds when it is ready
extension FaultSubject {
    static func sharedView(_ options: Options) async throws {
        let place: SnapshotPlace =
            try options["snapshot"].map { .file($0) }
            ?? .database(SQLiteStore(path: try options.required("database")))
        var snapshots = ViewSnapshots<[String: String]>.json(
            in: place, version: Int32(options.number("version") ?? 1))
        snapshots.interval = .milliseconds(1)
        // A static member: the process after a killed one need not wait until that one's session is over.
        let kafka = KafkaConfiguration(
            try options.required("kafka"), properties: ["group.instance.id": "subject"])
        let topic = try options.required("topic")
        var configuration = ViewConfiguration()
        configuration.maximumBatchCount = 10
        let view = PartitionedView(
            topic, of: [topic], address: "subject", initial: [String: String](), kafka: kafka,
            configuration: configuration, snapshots: snapshots, probe: try KillProbe.fromEnvironment(), logger: logger)
        view.foldRecords { rows, record in rows[text(record.key)] = record.value.map { text($0) } }
        try await ServiceGroup(
            services: [view, SharedReport(view: view)], gracefulShutdownSignals: [.sigterm], logger: logger
        ).run()
    }

    private struct SharedReport: Service {
        let view: PartitionedView<[String: String]>

        func run() async throws {
            say("answered nothing", [:])
            try await view.ready()
            say("shared", try view.readActive { $0.values.reduce(into: [:]) { $0.merge($1) { $1 } } })
            try await gracefulShutdown()
        }
    }
}

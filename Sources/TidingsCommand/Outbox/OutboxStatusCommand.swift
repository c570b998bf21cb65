import ArgumentParser
import Tidings

struct OutboxStatusCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "How many events wait and are parked, who relays, and what holds things up.",
        discussion: """
            Above ten thousand (on PostgreSQL: in a shard) the number of those that wait
            is an estimate. Where the outbox is PostgreSQL's log, those in the log are not
            counted; "log kept" says how much of it has not been read.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    func run(on store: some Store) async throws {
        let report = try await store.transaction { db in
            try StatusReport(
                status: store.outboxStatus(in: db), shards: store.outboxShards(in: db),
                leases: store.leases(withPrefix: OutboxRelayConfiguration.leasePrefix, in: db),
                holdUps: store.holdUps(in: db))
        }
        if json.isJSON { try printJSON(report) } else { write(report.text, to: 1) }
    }
}

/// What `status` says.
struct StatusReport: Encodable {
    struct Relay: Encodable {
        var name: String
        var shards: [Int32]
        var leaseSeconds: Double
    }

    struct HoldUp: Encodable {
        var ageSeconds: Double
        var waiting: Int
        var description: String
    }

    var waiting: Int
    var parked: Int
    var oldestWaitingSeconds: Double?
    var retainedLogBytes: Int?
    var relays: [Relay]
    var shardsWithoutRelay: [Int32]
    var holdUps: [HoldUp]

    init(status: OutboxStatus, shards: [OutboxShard], leases: [LeaseState], holdUps: [OutboxHoldUp]) {
        waiting = status.pending
        parked = status.parked
        retainedLogBytes = status.retainedBytes
        oldestWaitingSeconds = status.oldestPending.map { max(0, Timestamp.now().since($0) / .seconds(1)) }
        let living = leases.filter { $0.remaining > .zero }.sorted { $0.lease.owner < $1.lease.owner }
        relays = living.map { state in
            Relay(
                name: state.lease.owner, shards: shards.filter { $0.owner == state.lease.owner }.map(\.number),
                leaseSeconds: state.remaining / .seconds(1))
        }
        let owned = Set(relays.flatMap(\.shards))
        shardsWithoutRelay = shards.map(\.number).filter { !owned.contains($0) }
        self.holdUps = holdUps.map {
            HoldUp(ageSeconds: $0.age / .seconds(1), waiting: $0.waiting, description: $0.description)
        }
    }

    var text: String {
        let oldest = oldestWaitingSeconds.map { ", the oldest for \(Duration.seconds($0).words)" } ?? ""
        var rows = [
            ["waiting", "\(waiting)\(oldest)"],
            ["parked", "\(parked)" + (parked > 0 ? "; see 'tidings outbox list'" : "")],
        ]
        if let bytes = retainedLogBytes { rows.append(["log kept", "\(bytes) bytes"]) }
        for relay in relays {
            let shards =
                relay.shards.isEmpty ? "stands by" : "shards \(relay.shards.map(String.init).joined(separator: ", "))"
            rows.append(["relay", "\(relay.name): \(shards)"])
        }
        if relays.isEmpty { rows.append(["relay", noRelay]) }
        for holdUp in holdUps {
            rows.append(["held up", "for \(Duration.seconds(holdUp.ageSeconds).words): \(holdUp.description)"])
        }
        return table(rows)
    }

    private var noRelay: String {
        if waiting > 0 { return "none is running: what waits goes when the service, or its relay, is started" }
        let rest = retainedLogBytes == nil ? "nothing waits for one" : "what is in the log goes when one is"
        return "none is running; \(rest)"
    }
}

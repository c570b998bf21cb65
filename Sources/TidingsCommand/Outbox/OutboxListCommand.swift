import ArgumentParser
import Tidings

struct OutboxListCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "The parked events, in the order of their numbers.",
        discussion: """
            Only those that something is wrong with: of a key, the first. --behind shows
            those, too, that are parked only because they come after one of these.
            --skipped shows what was given up.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Option(
        help: ArgumentHelp("Begin after the event of this number: the last of the page before.", valueName: "number"))
    var after: Int64 = 0

    @Option(help: ArgumentHelp("Show at most so many.", valueName: "count"))
    var limit = 50

    @Flag(help: "Show those parked behind another, too.")
    var behind = false

    @Flag(help: "Show the events that were skipped instead.")
    var skipped = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1") }
        if behind, skipped { throw ValidationError("--behind and --skipped exclude each other") }
    }

    func run(on store: some Store) async throws {
        let (after, limit, behind) = (after, limit, behind)
        if skipped {
            let events = try await store.transaction { try store.skippedEvents(after: after, limit: limit, in: $0) }
            try show(events.map(EventReport.init), last: events.last?.event.sequence)
        } else {
            let events = try await store.transaction { db in
                try store.parkedEvents(
                    behind ? .page(after: after, limit: limit) : .causes(after: after, limit: limit), in: db)
            }
            try show(events.map { EventReport($0) }, last: events.last?.sequence)
        }
    }

    private func show(_ reports: [EventReport], last: Int64?) throws {
        if json.isJSON { return try reports.forEach { try printJSON($0.withoutContent) } }
        if reports.isEmpty {
            return printLine(after > 0 ? "no more" : skipped ? "nothing was skipped" : "nothing is parked")
        }
        let head = ["NUMBER", skipped ? "SKIPPED" : "PARKED", "TOPIC", "KEY", "EVENT", skipped ? "NOTE" : "REASON"]
        write(table([head] + reports.map(\.row)), to: 1)
        if reports.count == limit, let last { printLine("there may be more: --after \(last)") }
    }
}

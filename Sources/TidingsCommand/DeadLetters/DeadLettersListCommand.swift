import ArgumentParser
import Tidings

struct DeadLettersListCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "The parked records, in the order of their numbers.",
        discussion: """
            Only those that something is wrong with: of a key in a partition, the first.
            --behind shows those, too, that are parked only because they come after one of
            these. --skipped shows what was given up.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Option(help: ArgumentHelp("Only those of this consumer group.", valueName: "name"))
    var group: String?

    @Option(
        help: ArgumentHelp("Begin after the record of this number: the last of the page before.", valueName: "number"))
    var after: Int64 = 0

    @Option(help: ArgumentHelp("Show at most so many.", valueName: "count"))
    var limit = 50

    @Flag(help: "Show those parked behind another, too.")
    var behind = false

    @Flag(help: "Show the records that were skipped instead.")
    var skipped = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1") }
        if behind || group != nil, skipped { throw ValidationError("--skipped goes with neither --behind nor --group") }
    }

    func run(on store: some Store) async throws {
        let (after, limit, behind, group) = (after, limit, behind, group)
        if skipped {
            let letters = try await store.transaction {
                try store.skippedDeadLetters(after: after, limit: limit, in: $0)
            }
            try show(letters.map(DeadLetterReport.init), last: letters.last?.letter.number)
        } else {
            let letters = try await store.transaction { db in
                try store.deadLetters(
                    behind
                        ? .page(after: after, limit: limit, group: group)
                        : .causes(after: after, limit: limit, group: group), in: db)
            }
            try show(letters.map { DeadLetterReport($0) }, last: letters.last?.number)
        }
    }

    private func show(_ reports: [DeadLetterReport], last: Int64?) throws {
        if json.isJSON { return try reports.forEach { try printJSON($0.withoutContent) } }
        if reports.isEmpty {
            return printLine(after > 0 ? "no more" : skipped ? "nothing was skipped" : "nothing is parked")
        }
        let head = [
            "NUMBER", skipped ? "SKIPPED" : "PARKED", "GROUP", "PLACE", "KEY", "ATTEMPTS", skipped ? "NOTE" : "REASON",
        ]
        write(table([head] + reports.map(\.row)), to: 1)
        if reports.count == limit, let last { printLine("there may be more: --after \(last)") }
    }
}

import ArgumentParser
import Tidings

struct DeadLettersRetryCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Have parked records tried again, and then what is parked behind them.",
        discussion: """
            The service that has the partition tries them, within a second if it runs.
            Those of a key are tried in their order, until none is left or one fails
            again; 'list' shows what is left. Each number is a transaction of its own; the
            first that fails ends the command.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Argument(help: "The records' numbers, as 'list' shows them.")
    var numbers: [Int64] = []

    @Flag(help: "All that are parked now.")
    var all = false

    @Option(help: ArgumentHelp("With --all: only those of this consumer group.", valueName: "name"))
    var group: String?

    func validate() throws {
        guard all != !numbers.isEmpty else { throw ValidationError("name the records by their numbers, or say --all") }
        if group != nil, !all { throw ValidationError("--group goes with --all") }
    }

    func run(on store: some Store) async throws {
        var numbers = numbers
        if all {
            while let page = try await nextPage(of: store, after: numbers.last ?? 0) { numbers += page }
        }
        for number in numbers {
            do {
                let count = try await store.transaction { try store.retryDeadLetter(number, in: $0) }
                try json.report(
                    DeadLetterDecision(number: number, retrying: count), "record \(number) is to be retried",
                    others: count - 1)
            } catch let error as TidingsError where all && error.code == .notParked {
                // Somebody else was faster, or it stands behind one of these.
            }
        }
        if numbers.isEmpty, !json.isJSON { printLine("nothing is parked") }
    }

    private func nextPage(of store: some Store, after: Int64) async throws -> [Int64]? {
        let group = group
        let page = try await store.transaction { db in
            try store.deadLetters(.causes(after: after, limit: 100, group: group), in: db).map(\.number)
        }
        return page.isEmpty ? nil : page
    }
}

struct DeadLettersSkipCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip",
        abstract: "Give a parked record up; what is parked behind it is tried.",
        discussion: """
            It will have no effect. The record, the reason and the note are kept in the
            database; 'tidings deadletters list --skipped' shows them.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Argument(help: "The record's number, as 'list' shows it.")
    var number: Int64

    @Option(help: ArgumentHelp("Who gives it up, and why.", valueName: "text"))
    var note: String

    func run(on store: some Store) async throws {
        let (number, note) = (number, note)
        let count = try await store.transaction { try store.skipDeadLetter(number, note: note, in: $0) }
        try json.report(
            DeadLetterDecision(number: number, retrying: count - 1), "record \(number) is given up", others: count - 1)
    }
}

/// What became of a parked record.
private struct DeadLetterDecision: Encodable {
    var number: Int64
    var retrying: Int
}

extension JSONOption {
    fileprivate func report(_ decision: DeadLetterDecision, _ words: String, others: Int) throws {
        if isJSON { return try printJSON(decision) }
        printLine(words + (others > 0 ? ", and then \(others) from behind it" : ""))
    }
}

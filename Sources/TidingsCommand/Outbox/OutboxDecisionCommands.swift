import ArgumentParser
import Tidings

struct OutboxRetryCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Let parked events try again, with what is parked behind them.",
        discussion: """
            They return to the outbox in their order, and what waits there of their key
            lines up behind them. Each is a transaction of its own; the first that fails
            ends the command.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Argument(help: "The events' numbers, as 'list' shows them.")
    var numbers: [Int64] = []

    @Flag(help: "All that are parked now.")
    var all = false

    func validate() throws {
        guard all != !numbers.isEmpty else { throw ValidationError("name the events by their numbers, or say --all") }
    }

    func run(on store: some Store) async throws {
        var numbers = numbers
        if all {
            while let page = try await nextPage(of: store, after: numbers.last ?? 0) { numbers += page }
        }
        for number in numbers {
            do {
                let count = try await store.transaction { try store.retryParked(number, in: $0) }
                try json.report(Decision(number: number, unparked: count), "event \(number) goes again")
            } catch let error as TidingsError where all && error.code == .notParked {
                // Somebody else was faster, or it stood behind one of these.
            }
        }
        if numbers.isEmpty, !json.isJSON { printLine("nothing is parked") }
    }

    private func nextPage(of store: some Store, after: Int64) async throws -> [Int64]? {
        let page = try await store.transaction { db in
            try store.parkedEvents(.causes(after: after, limit: 100), in: db).map(\.sequence)
        }
        return page.isEmpty ? nil : page
    }
}

struct OutboxSkipCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "skip",
        abstract: "Give a parked event up; what is parked behind it goes again.",
        discussion: """
            It will never be sent, and its readers will never know of it. The event, the
            reason and the note are kept in the database; 'tidings outbox list --skipped'
            shows them.
            """)

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Argument(help: "The event's number, as 'list' shows it.")
    var number: Int64

    @Option(help: ArgumentHelp("Who gives it up, and why.", valueName: "text"))
    var note: String

    func run(on store: some Store) async throws {
        let (number, note) = (number, note)
        let count = try await store.transaction { try store.skipParked(number, note: note, in: $0) }
        try json.report(Decision(number: number, unparked: count), "event \(number) is given up")
    }
}

/// What became of a parked event.
private struct Decision: Encodable {
    var number: Int64
    var unparked: Int
}

extension JSONOption {
    fileprivate func report(_ decision: Decision, _ words: String) throws {
        if isJSON { return try printJSON(decision) }
        let others = decision.unparked - 1
        printLine(words + (others > 0 ? ", and \(others) from behind it \(others == 1 ? "goes" : "go") again" : ""))
    }
}

import ArgumentParser
import Tidings

struct DeadLettersShowCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "A parked record with its headers and its value, and what stands behind it.")

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Argument(help: "The record's number, as 'list' shows it.")
    var number: Int64

    func run(on store: some Store) async throws {
        let number = number
        let report = try await store.transaction { db -> DeadLetterReport? in
            guard let letter = try store.deadLetters(.letter(number), in: db).first else { return nil }
            var report = DeadLetterReport(letter)
            if let key = letter.record.key {
                let all = try store.deadLetters(.key(key, of: letter.record.place, limit: .max), in: db)
                report.parkedBehindIt = all.count { $0.record.offset > letter.record.offset }
            }
            return report
        }
        guard let report else { throw TidingsError(.notParked, "no record with the number \(number) is parked") }
        if json.isJSON { try printJSON(report) } else { write(report.text, to: 1) }
    }
}

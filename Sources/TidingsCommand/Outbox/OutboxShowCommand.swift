import ArgumentParser
import Tidings

struct OutboxShowCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "A parked event with its headers and its value, and what stands behind it.")

    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Argument(help: "The event's number, as 'list' shows it.")
    var number: Int64

    func run(on store: some Store) async throws {
        let number = number
        let report = try await store.transaction { db -> EventReport? in
            guard let event = try store.parkedEvents(.event(number), in: db).first else { return nil }
            var report = EventReport(event)
            if let key = event.record.key {
                let all = try store.parkedEvents(.key(key, topic: event.record.topic), in: db)
                report.parkedBehindIt = all.count { $0.sequence > number }
            }
            return report
        }
        guard let report else { throw TidingsError(.notParked, "no event with the number \(number) is parked") }
        if json.isJSON { try printJSON(report) } else { write(report.text, to: 1) }
    }
}

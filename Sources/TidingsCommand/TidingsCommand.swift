import ArgumentParser

@main
struct TidingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tidings", abstract: "Events with Kafka, for Swift.", version: "0.1.0",
        subcommands: [
            BrokerCommand.self, CompareCommand.self, DeadLettersCommand.self, OutboxCommand.self, SubjectCommand.self,
        ])
}

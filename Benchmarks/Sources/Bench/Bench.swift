import ArgumentParser

/// Measures the client and views against C over librdkafka, the broker against the bare disk, and the outbox.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure Tidings' client and views against C over librdkafka, and its broker against the bare disk.",
        subcommands: [
            ClientCommand.self, BrokerCommand.self, OutboxCommand.self, ViewCommand.self, HistoryCommand.self,
            LoopCommand.self,
            FoldCommand.self,
        ])
}

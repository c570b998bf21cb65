import ArgumentParser

/// Measures the client and views against C over librdkafka, and the broker against the bare disk.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure Tidings' client and views against C over librdkafka, and its broker against the bare disk.",
        subcommands: [
            ClientCommand.self, BrokerCommand.self, ViewCommand.self, HistoryCommand.self, LoopCommand.self,
            FoldCommand.self,
        ])
}

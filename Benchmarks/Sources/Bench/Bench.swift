import ArgumentParser

/// Measures the client against C over librdkafka, the broker against the bare disk, and the outbox against both ends.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure Tidings' client, broker and outbox against what bounds them.",
        subcommands: [ClientCommand.self, BrokerCommand.self, OutboxCommand.self, LoopCommand.self])
}

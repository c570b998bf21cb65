import ArgumentParser

@main
struct TidingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tidings",
        abstract: "Events with Kafka, for Swift.",
        discussion: """
            A Kafka on this machine, and what one needs to look into any Kafka:

              tidings broker --data-dir data                 a Kafka at 127.0.0.1:9092
              tidings topics create order --partitions 5
              echo 'hello' | tidings produce order
              tidings consume order --follow
              tidings groups describe invoicing
              tidings outbox status --database order.sqlite

            Every command and every group of them has --help, and --json where it
            prints anything.

            Completion of commands and options:

              tidings --generate-completion-script bash > tidings.bash
              tidings --generate-completion-script zsh  > _tidings
              tidings --generate-completion-script fish > tidings.fish

            to be put into /etc/bash_completion.d, a folder of zsh's fpath, or
            ~/.config/fish/completions.

            \(Settings.help)

            \(Exits.help)
            """,
        version: "0.1.0",
        subcommands: [
            BrokerCommand.self,
            TopicsCommand.self,
            ProduceCommand.self,
            ConsumeCommand.self,
            GroupsCommand.self,
            OutboxCommand.self,
            DeadLettersCommand.self,
            ReplayCommand.self,
            CompareCommand.self,
            ConfigCommand.self,
            SubjectCommand.self,
        ])
}

extension TidingsCommand {
    /// Runs what the arguments ask for. A command that is not there is answered with the ones that are.
    static func main() async {
        let arguments = helpInFront(Array(CommandLine.arguments.dropFirst()))
        do {
            var command = try await asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            if let unknown = UnknownCommand(in: arguments) { unknown.exit() }
            exit(withError: error)
        }
    }

    /// `topics help list` asks for what `help topics list` asks for, and only that is a command.
    private static func helpInFront(_ arguments: [String]) -> [String] {
        var group: any ParsableCommand.Type = TidingsCommand.self
        for (index, word) in arguments.enumerated() {
            let commands = group.configuration.subcommands
            if word == "help", !commands.isEmpty {
                return ["help"] + arguments[..<index] + arguments[(index + 1)...]
            }
            guard let next = commands.first(where: { $0._commandName == word }) else { break }
            group = next
        }
        return arguments
    }

    /// A command's usage as it is shown below a mistake, and where to find more.
    static func usage(of command: any ParsableCommand.Type) -> String {
        let usage = usageString(for: command)
        let words = usage.split(separator: " ").prefix { !"<[-".contains($0.first ?? "<") }
        return "Usage: \(usage)\n  See '\(words.joined(separator: " ")) --help' for more information."
    }
}

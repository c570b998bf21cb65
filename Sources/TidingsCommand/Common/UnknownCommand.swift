import ArgumentParser
import Glibc

/// A word where a command was expected.
struct UnknownCommand {
    let word: String
    /// Where it was expected, such as `tidings topics`.
    let path: String
    let group: any ParsableCommand.Type

    /// Nil if the arguments name a command that is there.
    init?(in arguments: [String]) {
        var group: any ParsableCommand.Type = TidingsCommand.self
        var path = TidingsCommand._commandName
        for word in arguments {
            let commands = group.configuration.subcommands
            // `help` takes the words that lead to a command, too.
            if word == "help", group == TidingsCommand.self { continue }
            if commands.isEmpty || word.hasPrefix("-") || word == "help" { return nil }
            guard let next = commands.first(where: { $0._commandName == word }) else {
                (self.word, self.path, self.group) = (word, path, group)
                return
            }
            group = next
            path += " \(word)"
        }
        return nil
    }

    var description: String {
        let names = group.configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
        let hint =
            nearest(to: word, among: names).map { "Did you mean '\($0)'?" }
            ?? "There are: \(names.joined(separator: ", "))."
        return "'\(path)' has no command '\(readable(word))'. \(hint)"
    }

    func exit() -> Never {
        write("Error: \(description)\n\(TidingsCommand.usage(of: group))\n", to: STDERR_FILENO)
        TidingsCommand.exit(withError: ExitCode.validationFailure)
    }
}

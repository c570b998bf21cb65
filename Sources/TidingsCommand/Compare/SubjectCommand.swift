import ArgumentParser
import Glibc
import TidingsAudit
import TidingsCompare

/// `tidings subject`: the parts that `tidings compare` starts as processes of their own and kills; not for people.
struct SubjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subject", abstract: "Play a part in a comparison.", shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough)
    var arguments: [String] = []

    func run() async throws {
        ParentWatch.start()
        do {
            if arguments.first == "broker" {
                return try await BrokerCommand.parse(Array(arguments.dropFirst())).run()
            }
            try await Subject.run(arguments)
        } catch {
            write("tidings subject \(arguments.first ?? ""): \(error)\n", to: STDERR_FILENO)
            throw ExitCode.failure
        }
    }
}

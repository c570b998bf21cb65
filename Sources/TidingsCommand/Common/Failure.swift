import ArgumentParser
import Glibc
import KafkaClient
import Tidings
import UnixSignals

/// How a command ends; every command's help points here by `Exits.help`.
enum Exits {
    /// Something could not be reached, read or written, or was refused.
    static let failed: Int32 = 1
    /// What was named is not there, or not in the state that was asked for.
    static let notThere: Int32 = 2
    /// A signal ended it: 130 for Ctrl-C, 143 for SIGTERM, as shells have it.
    static func ended(by signal: UnixSignal) -> Int32 { 128 + signal.rawValue }

    static let help = """
        EXIT CODES
          0    done
          1    something could not be reached, read or written, or was refused
          2    what was named is not there, or not in a state that allows it
          64   the arguments are wrong, or the settings
          130  ended by Ctrl-C, after cleaning up; 143 by SIGTERM
        """
}

/// What a command says before it gives up.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32

    init(_ description: String, exitCode: Int32 = Exits.failed) {
        self.description = description
        self.exitCode = exitCode
    }

    /// Says it of something that was named and is not there, or not as it has to be.
    static func notThere(_ description: String) -> CommandFailure {
        CommandFailure(description, exitCode: Exits.notThere)
    }

    /// An error in the words of a command, with its exit code.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure:
            self = failure
        case let error as TidingsError where error.code == .notParked:
            self = .notThere(error.message)
        case let error as KafkaError:
            self.init(error)
        default:
            self.init("\(error)")
        }
    }

    private init(_ error: KafkaError) {
        switch error.code {
        case .unknownTopicOrPartition, .unknownTopic, .topicAlreadyExists, .groupNotFound:
            self = .notThere(error.message)
        case .nonEmptyGroup, .unknownMember, .rebalanceInProgress, .illegalGeneration:
            self = .notThere("\(error.message): it has members; stop them first")
        case .invalidConfiguration:
            self.init(error.message, exitCode: ExitCode.validationFailure.rawValue)
        default:
            self.init("\(error)")
        }
    }

    /// Says it on standard error.
    func tell() {
        write(Terminal.errors.styled("tidings:", .red) + " \(description)\n", to: STDERR_FILENO)
    }
}

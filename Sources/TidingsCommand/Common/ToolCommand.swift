import ArgumentParser
import Glibc
import UnixSignals

/// A command that does one thing and ends: errors become words on standard error and an exit code, and Ctrl-C ends it
/// after it has cleaned up. What its arguments lack is told with its own usage.
protocol ToolCommand: AsyncParsableCommand, Sendable {
    func perform() async throws
}

extension ToolCommand {
    func run() async throws {
        do {
            try await untilInterrupted { try await perform() }
            try checkOutput()
        } catch let error as ExitCode {
            throw error
        } catch let error as ValidationError {
            // Thrown here it would be told with the usage of the whole program.
            write("Error: \(error.message)\n\(TidingsCommand.usage(of: Self.self))\n", to: STDERR_FILENO)
            throw ExitCode.validationFailure
        } catch let interruption as Interrupted {
            throw ExitCode(Exits.ended(by: interruption.signal))
        } catch {
            let failure = CommandFailure(error)
            failure.tell()
            throw ExitCode(failure.exitCode)
        }
    }
}

/// `--json`, for scripts.
struct JSONOption: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON, one object a line.")
    var isJSON = false
}

/// SIGINT or SIGTERM asked for the end.
struct Interrupted: Error {
    let signal: UnixSignal
}

/// Runs `body` until it ends or a signal asks it to: then its task is cancelled, and it may clean up. A second signal, or
/// five seconds, end the process whatever it does.
///
/// - Throws: what `body` throws; ``Interrupted`` after a signal.
private func untilInterrupted(_ body: @escaping @Sendable () async throws -> Void) async throws {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await body() }
        tasks.addTask {
            for await signal in signals { throw Interrupted(signal: signal) }
        }
        do {
            try await tasks.next()
            tasks.cancelAll()
        } catch let interruption as Interrupted {
            let code = Exits.ended(by: interruption.signal)
            tasks.cancelAll()
            await withTaskGroup(of: Void.self) { patience in
                patience.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { _exit(code) }
                }
                patience.addTask {
                    do { try await Task.sleep(for: .seconds(5)) } catch { return }
                    _exit(code)
                }
                while await tasks.nextResult() != nil {}
                patience.cancelAll()
            }
            throw interruption
        }
    }
}

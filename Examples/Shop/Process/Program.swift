import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

/// How each of the shop's processes runs: its services together, until it is asked to stop.
enum Program {
    /// How long a process that is asked to stop may go on with what it has in hand, such as events for a Kafka that is
    /// away; they stay in the outbox.
    private static let patience: Duration = .seconds(5)

    /// Runs the services that `build` makes until SIGTERM or SIGINT; tells errors in words.
    static func run(
        _ name: String, _ build: (Logger) async throws -> [any Service]
    ) async throws {
        let logger = Log.make(name)
        _ = ShopMetrics.all
        do {
            var configuration = ServiceGroupConfiguration(
                services: try await build(logger), gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            configuration.maximumGracefulShutdownDuration = patience
            try await ServiceGroup(configuration: configuration).run()
        } catch let error as ShopError {
            Log.complain(error.description)
            throw ExitCode.failure
        } catch is CancellationError {
            // What was still in hand when patience ended, such as a wait for Kafka: the end was asked for.
        } catch {
            Log.complain("\(name): \(error)")
            throw ExitCode.failure
        }
    }
}

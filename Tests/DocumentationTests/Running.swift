import Logging
import ServiceLifecycle

let quiet = Logger(label: "tutorial") { _ in SwiftLogNoOpLogHandler() }

/// Services that run while `body` runs, and are then shut down gracefully.
func running(_ services: [any Service], _ body: () async throws -> Void) async throws {
    let group = ServiceGroup(services: services, logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        do {
            try await body()
        } catch {
            tasks.cancelAll()
            throw error
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

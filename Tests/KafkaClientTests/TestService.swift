import ServiceLifecycle

/// A service in a group of its own, which a test shuts down.
final class TestService: Sendable {
    private let group: ServiceGroup

    init(_ service: some Service) {
        group = ServiceGroup(
            configuration: .init(services: [.init(service: service)], logger: TestCluster.logger))
    }

    func run() async throws {
        try await group.run()
    }

    func shutDown() async {
        await group.triggerGracefulShutdown()
    }
}

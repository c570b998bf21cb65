import ServiceLifecycle

/// A service that reads topics, and starts once they are there.
struct Consuming<Reader: Service>: Service {
    private let reader: Reader
    private let topics: ShopTopics
    private let onStart: @Sendable () -> Void

    init(_ reader: Reader, of topics: ShopTopics, onStart: @escaping @Sendable () -> Void) {
        self.reader = reader
        self.topics = topics
        self.onStart = onStart
    }

    func run() async throws {
        try await topics.waitUntilThere()
        onStart()
        try await reader.run()
    }
}

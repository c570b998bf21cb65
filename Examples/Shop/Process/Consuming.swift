import ServiceLifecycle

/// A subscription that starts once its topic is there.
struct Consuming<Subscription: Service>: Service {
    private let subscription: Subscription
    private let topic: OrderTopic
    private let onStart: @Sendable () -> Void

    init(_ subscription: Subscription, of topic: OrderTopic, onStart: @escaping @Sendable () -> Void) {
        self.subscription = subscription
        self.topic = topic
        self.onStart = onStart
    }

    func run() async throws {
        try await topic.waitUntilThere()
        onStart()
        try await subscription.run()
    }
}

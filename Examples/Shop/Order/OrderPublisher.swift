import Logging
import ServiceLifecycle
import Tidings

/// Publishes what happens to orders, whichever database they are in.
protocol OrderPublisher: Sendable {
    func publish<E: Event>(
        _ event: E, id: EventID, to topic: Topic<E>, sending: Sending,
        _ action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws

    func publishDeletion<E: Event>(
        of key: String, in topic: Topic<E>, sending: Sending, _ action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws
}

extension Publisher: OrderPublisher where S: ShopStore {
    func publish<E: Event>(
        _ event: E, id: EventID, to topic: Topic<E>, sending: Sending,
        _ action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws {
        try await publish(event, id: id, to: topic, sending: sending, headers: []) { try action($0) }
    }

    func publishDeletion<E: Event>(
        of key: String, in topic: Topic<E>, sending: Sending, _ action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws {
        try await publishDeletion(of: key, id: EventID(), in: topic, sending: sending, headers: []) { try action($0) }
    }
}

extension ShopStore {
    func publisher(_ sender: TopicSender, probe: DeathAtStep?) -> any OrderPublisher {
        Publisher(store: self, producer: sender, source: "/shop/order", probe: probe)
    }
}

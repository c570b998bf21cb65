import Tidings

@testable import Shop

/// Does what is to be done and publishes nothing.
struct SilentPublisher: OrderPublisher {
    let store: any ShopStore
    /// What somebody else does right before.
    var first: @Sendable (any SQL) throws -> Void = { _ in }

    func publish<E: Event>(
        _ event: E, id: EventID, to topic: Topic<E>, sending: Sending,
        _ action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws {
        try await store.write(first)
        try await store.write(action)
    }

    func publishDeletion<E: Event>(
        of key: String, in topic: Topic<E>, sending: Sending, _ action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws {
        try await store.write(first)
        try await store.write(action)
    }
}

import Synchronization

/// The handlers of a subscription by the name of the event's type.
final class HandlerTable<Transaction>: Sendable {
    /// What is left to do for one delivery inside the transaction.
    typealias Work = @Sendable (Transaction) throws -> Void

    /// Decodes a delivery, prepares it where asked, and yields what is left to do.
    typealias Preparation = @Sendable (Delivery, CodecTable) async throws -> Work

    private struct State {
        var byType: [String: Preparation] = [:]
        var fallback: Preparation?
    }

    private let state = Mutex(State())

    func add<E: Event>(_ type: E.Type, _ preparation: @escaping Preparation) {
        state.withLock { $0.byType[E.eventType] = preparation }
    }

    func addFallback(_ preparation: @escaping Preparation) {
        state.withLock { $0.fallback = preparation }
    }

    /// The handler for a delivery: of its type, or of one that it can be read as; nil when nobody wants it.
    func handler(for delivery: Delivery, _ versions: EventVersions = EventVersions()) -> Preparation? {
        state.withLock { state in
            guard let type = delivery.type else { return state.fallback }
            if let handler = state.byType[type] { return handler }
            for name in versions.names(from: type) { if let handler = state.byType[name] { return handler } }
            return state.fallback
        }
    }
}

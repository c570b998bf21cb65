import Tracing

extension ServiceContext {
    /// What all events that follow from one beginning have in common: the id of the first, or whatever the beginning was
    /// given, such as a request's id. What is published in this context carries it on, as `ce_correlationid`.
    ///
    /// ```swift
    /// var context = ServiceContext.current ?? .topLevel
    /// context.correlationID = request.id
    /// try await ServiceContext.withValue(context) {
    ///     try await publisher.publish(placed, to: orders) { db in try order.insert(db) }
    /// }
    /// ```
    /// A handler runs with that of its event, or, where the event has none, with the event's own id.
    public var correlationID: String? {
        get { self[CorrelationIDKey.self] }
        set { self[CorrelationIDKey.self] = newValue }
    }

    /// The id of the event that is the cause of what is done now. A handler runs with its event's id; what is published in
    /// this context carries it, as `ce_causationid`.
    public var causationID: String? {
        get { self[CausationIDKey.self] }
        set { self[CausationIDKey.self] = newValue }
    }

    private enum CorrelationIDKey: ServiceContextKey {
        typealias Value = String
        static let nameOverride: String? = "correlation-id"
    }

    private enum CausationIDKey: ServiceContextKey {
        typealias Value = String
        static let nameOverride: String? = "causation-id"
    }
}

import HTTPTypes
import Tidings

/// What the order service does: it takes orders and deletes them, and tells the others of both.
struct OrderService: Sendable {
    let database: OrderDatabase
    private let publisher: any OrderPublisher

    private let placed: Topic<OrderPlaced>
    private let cancelled: Topic<OrderCancelled>

    init(database: OrderDatabase, publisher: any OrderPublisher, topic: String) {
        self.database = database
        self.publisher = publisher
        placed = Topic(topic)
        cancelled = Topic(topic)
    }

    /// Takes an order and publishes it, in the way of sending that is chosen at the moment.
    ///
    /// - Returns: the order, and whether it is new: the same number sent twice is one order.
    /// - Throws: ``OrderProblems`` when it cannot be accepted; then nothing was written and no event leaves.
    func place(_ wish: NewOrder) async throws -> (order: Order, isNew: Bool) {
        let items = Dictionary(uniqueKeysWithValues: try await database.items().map { ($0.id, $0) })
        let customers = Dictionary(uniqueKeysWithValues: try await database.customers().map { ($0.id, $0) })
        let order = try wish.checked(items: items, customers: customers, placedAt: Timestamp.now().rfc3339)
        if let id = wish.id {
            if let known = try await database.order(id) { return (known, false) }
            if try await database.deletion(of: id) != nil {
                throw Refusal(.conflict, "Order \(id) was deleted; a new order needs a new number.")
            }
        }
        do {
            try await publish(OrderPlaced(order), to: placed, order: order.id) { sql in
                guard try OrderDatabase.insert(order, sql) else { throw OrderIsKnown() }
            }
            return (order, true)
        } catch let error as OrderIsKnown {
            // The same number was sent twice at the same time, and the other one came first.
            guard let known = try await database.order(order.id) else { throw error }
            return (known, false)
        }
    }

    /// Deletes an order and publishes its cancellation.
    func delete(_ id: String) async throws {
        guard try await database.order(id) != nil else { throw Self.unknown(id) }
        let now = Timestamp.now().rfc3339
        try await publish(OrderCancelled(orderId: id), to: cancelled, order: id) { sql in
            guard try OrderDatabase.delete(id, at: now, sql) else { throw Self.unknown(id) }
        }
    }

    static func unknown(_ id: String) -> Refusal {
        Refusal(.notFound, "There is no order \(id).")
    }

    /// Publishes, and puts into words what is kept when that fails half-way.
    private func publish<E: Event>(
        _ event: E, to topic: Topic<E>, order id: String, action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws {
        do {
            // The event's identity follows from the order's: a second attempt is the same event.
            let eventID = EventID("\(E.eventType)/\(id)")
            try await publisher.publish(
                event, id: eventID, to: topic, sending: try await database.sending(), action)
        } catch let error as TidingsError {
            if let cause = error.cause as? OrderIsKnown { throw cause }
            switch error.code {
            case .committedButNotSent:
                throw Refusal(
                    .serviceUnavailable,
                    "Order \(id) is written here, but the others could not be told, and will not be: the event is lost. "
                        + "That is the risk of sending after the action. (\(error))")
            case .sentButActionFailed:
                throw Refusal(
                    .internalServerError,
                    "The others were told of order \(id), but it could not be written here: the event is a ghost. "
                        + "That is the risk of sending before the action. (\(error))")
            case .notSent:
                throw Refusal(
                    .serviceUnavailable,
                    "Kafka cannot be reached, so order \(id) was left as it was. Try again. (\(error))")
            default: throw error
            }
        }
    }
}

/// An order of that number is there already.
private struct OrderIsKnown: Error {}

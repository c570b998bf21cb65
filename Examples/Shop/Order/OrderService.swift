import HTTPTypes
import Tidings

/// What the order service does: it takes orders and deletes them, keeps the customers, and tells the others of all that.
struct OrderService: Sendable {
    let database: OrderDatabase
    private let publisher: any OrderPublisher
    /// Whether Kafka is away because somebody has stopped the demonstration's own broker.
    private let isBrokerStopped: @Sendable () -> Bool
    private let calls = CallsUnderWay()

    private let placed: Topic<OrderPlaced>
    private let cancelled: Topic<OrderCancelled>
    let directory: Topic<CustomerChanged>

    init(
        database: OrderDatabase, publisher: any OrderPublisher, topic: String, customerTopic: String,
        isBrokerStopped: @escaping @Sendable () -> Bool = { false }
    ) {
        self.database = database
        self.publisher = publisher
        self.isBrokerStopped = isBrokerStopped
        placed = Topic(topic)
        cancelled = Topic(topic)
        directory = Topic(customerTopic)
    }

    /// Takes an order and publishes it, in the way of sending that is chosen at the moment.
    ///
    /// - Returns: the order, and how its event was sent; nil if it is not new: the same number sent twice is one order.
    /// - Throws: ``OrderProblems`` when it cannot be accepted; then nothing was written and no event leaves.
    func place(_ wish: NewOrder) async throws -> (order: Order, sending: Sending?) {
        // First: prices and customers may be others than when it was taken.
        if let id = wish.id {
            if let known = try await database.order(id) { return (known, nil) }
            if try await database.deletion(of: id) != nil {
                throw Refusal(.conflict, "Order \(id) was deleted; a new order needs a new number.")
            }
        }
        let items = Dictionary(uniqueKeysWithValues: try await database.items().map { ($0.id, $0) })
        let customers = Dictionary(uniqueKeysWithValues: try await database.customers().map { ($0.id, $0) })
        let order = try wish.checked(items: items, customers: customers, placedAt: Timestamp.now().rfc3339)
        do {
            let sending = try await publish(OrderPlaced(order), to: placed, order: order.id, "written") { sql in
                guard try OrderDatabase.insert(order, sql) else { throw OrderIsKnown() }
            }
            return (order, sending)
        } catch let error as OrderIsKnown {
            // The same number was sent twice at the same time, and the other one came first.
            guard let known = try await database.order(order.id) else { throw error }
            return (known, nil)
        }
    }

    /// Deletes an order and publishes its cancellation.
    ///
    /// - Returns: how that was sent.
    func delete(_ id: String) async throws -> Sending {
        guard try await database.order(id) != nil else { throw Self.unknown(id) }
        let now = Timestamp.now().rfc3339
        return try await publish(OrderCancelled(orderId: id), to: cancelled, order: id, "deleted") { sql in
            guard try OrderDatabase.delete(id, at: now, sql) else { throw Self.unknown(id) }
        }
    }

    static func unknown(_ id: String) -> Refusal {
        Refusal(.notFound, "There is no order \(Readable.short(id)).")
    }

    private func publish<E: Event>(
        _ event: E, to topic: Topic<E>, order id: String, _ done: String,
        action: @escaping @Sendable (any SQL) throws -> Void
    ) async throws -> Sending {
        // The event's identity follows from the order's: a second attempt is the same event.
        let eventID = EventID("\(E.eventType)/\(id)")
        return try await told("Order \(id)", done) { publisher, sending in
            try await publisher.publish(event, id: eventID, to: topic, sending: sending, action)
        }
    }

    /// How the service stands, with what is under way in this process.
    func status() async throws -> OrderStatus {
        // Asked first: a call that ends meanwhile shows in what is counted after it.
        let oldest = calls.oldest
        var status = try await database.status()
        status.oldestCallAt = oldest
        return status
    }

    /// Publishes in the way that is chosen, and puts into words what is kept when that fails half-way.
    ///
    /// - Parameter done: what happens to the subject, as in “is written”.
    /// - Returns: the way.
    func told(
        _ subject: String, _ done: String, _ publish: (any OrderPublisher, Sending) async throws -> Void
    ) async throws -> Sending {
        do {
            return try await calls.during {
                let sending = try await database.sending()
                try await publish(publisher, sending)
                return sending
            }
        } catch let error as TidingsError {
            if let cause = error.cause as? OrderIsKnown { throw cause }
            switch error.code {
            case .committedButNotSent:
                throw Refusal(
                    .serviceUnavailable,
                    "\(subject) is \(done) here, but Kafka has not acknowledged its event, which is not sent again: it is lost, "
                        + "unless only the acknowledgement was. "
                        + "That is the risk of sending after the action. \(Self.reason(error))", code: .lost)
            case .sentButActionFailed:
                throw Refusal(
                    .internalServerError,
                    "The others were told of \(subject.lowercasedFirst), but it could not be \(done) here: the event is a ghost. "
                        + "That is the risk of sending before the action. \(Self.reason(error))", code: .ghost)
            case .notSent:
                throw Refusal(
                    .serviceUnavailable,
                    "\(Self.notTaken(error)), so nothing was \(done). "
                        + (isBrokerStopped()
                            ? "Somebody has stopped the broker; the start page can start it." : "Try again later."))
            default: throw error
            }
        }
    }

    /// Why nothing was sent, for a person.
    private static func notTaken(_ error: TidingsError) -> String {
        let reason = reason(error)
        return reason.isEmpty ? "Kafka does not answer" : "Kafka has not taken the event \(reason)"
    }

    /// What lies behind it, for a person.
    private static func reason(_ error: TidingsError) -> String {
        guard let cause = error.cause else { return "" }
        // That it did not come in time is said already.
        return (cause as? SendFailure)?.isRetriable ?? false ? "" : "(\(cause))"
    }
}

extension OrderProblems {
    /// The same for a program, in one sentence after the other.
    var refusal: Refusal { Refusal(.unprocessableContent, sentences.joined(separator: " ")) }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

/// An order of that number is there already.
private struct OrderIsKnown: Error {}

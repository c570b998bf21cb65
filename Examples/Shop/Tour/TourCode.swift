/// The lines of code that the tour shows. They are the program's own: a test compares each with the file it is from.
struct TourCode: Sendable {
    /// Where it is from, from the project's root.
    let file: String
    let text: String

    /// By the number of the page.
    static let all: [Int: TourCode] = [
        1: TourCode(
            file: "Examples/Shop/Statistics/StatisticsCommand.swift",
            text: #"""
                let view = View(
                    shop.group("statistics"), of: [shop.topic, shop.shipmentTopic], initial: Statistics(),
                    kafka: shop.kafkaConfiguration(client: "statistics"), logger: logger)
                view.fold(OrderToCount.self) { statistics, order, delivery in
                    statistics.placed(order)
                    statistics.read(delivery.offset, of: Int(delivery.partition))
                    arrivals.note(order.orderId, delivery)
                }
                view.fold(Cancellation.self) { statistics, order, delivery in
                    statistics.cancelled(order.orderId)
                    statistics.read(delivery.offset, of: Int(delivery.partition))
                }
                view.fold(ShipmentMade.self) { statistics, shipment, _ in statistics.shipped(shipment.orderId) }
                return view
                """#),
        2: TourCode(
            file: "Examples/Shop/Shipping/ShippingEvents.swift",
            text: #"""
                struct OrderToShip: OrderEvent {
                    struct Customer: Codable, Sendable {
                        var id: Int
                        var name: String
                    }

                    struct Line: Codable, Sendable {
                        var itemId: Int
                        var name: String
                        var count: Int
                    }

                    var orderId: String
                    var customer: Customer
                    var lines: [Line]
                    var shippingAddress: Address
                }
                """#),
        3: TourCode(
            file: "Examples/Shop/Directory/Directory.swift",
            text: #"""
                view = View(
                    shop.group("\(client)-directory"), of: [shop.customerTopic], initial: [:],
                    kafka: shop.kafkaConfiguration(client: client), logger: logger)
                view.fold(CustomerChanged.self) { customers, event, _ in customers[event.customer.id] = event.customer }
                view.foldDeletion { customers, delivery in customers[delivery.keyText.flatMap(Int.init) ?? 0] = nil }
                """#),
        4: TourCode(
            file: "Examples/Shop/Ledger/Ledger+Programs.swift",
            text: #"""
                subscription.handle(D.Order.self) { order, delivery, sql in
                    guard try Ledger<D>.makeOut(order, Handling(delivery, by: instance), sql) else {
                        return logger.notice("order \(order.orderId) has its \(D.table) already; ignored")
                    }
                    guard let announcement = D.announcement(for: order) else { return }
                    let id = EventID("\(ShipmentMade.eventType)/\(order.orderId)")
                    try publisher.append(announcement, id: id, to: announcements, in: sql)
                }
                """#),
        5: TourCode(
            file: "Sources/Tidings/Publishing/Publisher.swift",
            text: #"""
                let result = try await act(record, action)
                do {
                    try await send(record)
                } catch {
                    throw TidingsError(
                        .committedButNotSent, "the action is committed, but event \(record.eventID) is not acknowledged",
                        record: record, cause: error)
                }
                return result
                """#),
        6: TourCode(
            file: "Sources/Tidings/Publishing/Publisher.swift",
            text: #"""
                do {
                    return try await act(record, action)
                } catch {
                    throw TidingsError(
                        .sentButActionFailed, "event \(record.eventID) is out, but its action failed: it is a ghost",
                        record: record, cause: error)
                }
                """#),
        7: TourCode(
            file: "Sources/Tidings/Publishing/Publisher.swift",
            text: #"""
                private func actAndAppend<R: Sendable>(
                    _ record: EventRecord, _ action: @escaping @Sendable (S.Transaction) throws -> R
                ) async throws -> R {
                    let store = store
                    return try await act(record) { transaction in
                        let result = try action(transaction)
                        try store.append(record, in: transaction)
                        return result
                    }
                }
                """#),
        8: TourCode(
            file: "Examples/Shop/Order/OrderService.swift",
            text: #"""
                // The event's identity follows from the order's: a second attempt is the same event.
                let eventID = EventID("\(E.eventType)/\(id)")
                return try await told("Order \(id)", done) { publisher, sending in
                    try await publisher.publish(event, id: eventID, to: topic, sending: sending, action)
                }
                """#),
        9: TourCode(
            file: "Examples/Shop/Supervisor/AllCommand.swift",
            text: #"""
                if shop.kafka == nil { add("broker") }
                add("start")
                add("order")
                add("shipping-page")
                add("invoicing-page")
                add("shipping", 1, ["--instance", "1"])
                add("invoicing", 1, ["--instance", "1"])
                add("invoicing", 2, ["--instance", "2"])
                // Waits for someone to want it, on the start page.
                add("invoicing", 3, ["--instance", "3"], isWanted: false)
                add("statistics")
                """#),
    ]
}

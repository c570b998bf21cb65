import HTTPTypes
import Tidings

/// What happens to customers: the newest state of each is published under their number, and a tombstone when they leave.
extension OrderService {
    /// Changes a customer's address for whoever asks the directory; what was ordered keeps the addresses it had.
    ///
    /// - Returns: the customer as they are now, and how that was sent.
    func move(_ id: Int, to address: Address) async throws -> (customer: CustomerEntry, sending: Sending) {
        var problems: [String] = []
        NewOrder.check(address, "new", &problems)
        guard problems.isEmpty else { throw OrderProblems(sentences: problems) }
        guard var customer = try await database.customer(id) else { throw Self.unknownCustomer(id) }
        let address = address.trimmed
        customer.address = address
        let changed = customer
        let sending = try await told("Customer \(id)’s new address", "written") { publisher, sending in
            try await publisher.publish(
                CustomerChanged(customer: changed), id: EventID(), to: directory, sending: sending
            ) { try OrderDatabase.move(id, to: address, $0) }
        }
        return (changed, sending)
    }

    /// Removes a customer from the directory; orders, shipments and invoices keep what they have.
    ///
    /// - Returns: the customer as they were, and how that was sent.
    func remove(_ id: Int) async throws -> (customer: CustomerEntry, sending: Sending) {
        let customers = try await database.directory()
        guard let customer = customers.first(where: { $0.id == id }) else { throw Self.unknownCustomer(id) }
        guard customers.count > 1 else {
            throw Refusal(.conflict, "\(customer.name) is the last customer, and stays: somebody has to order.")
        }
        let now = Timestamp.now().rfc3339
        let sending = try await told("Customer \(id)", "removed") { publisher, sending in
            try await publisher.publishDeletion(of: String(id), in: directory, sending: sending) { sql in
                guard try OrderDatabase.remove(id, at: now, sql) else { throw Self.unknownCustomer(id) }
            }
        }
        return (customer, sending)
    }

    static func unknownCustomer(_ id: Int) -> Refusal { Refusal(.notFound, "There is no customer \(id).") }
}

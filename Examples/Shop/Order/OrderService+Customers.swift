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
        let address = address.trimmed
        var changed = try await database.store.read { try Self.customer(id, $0) }
        changed.address = address
        let sending = try await told("Customer \(id)’s new address", "written") { publisher, sending in
            try await publisher.publish(
                CustomerChanged(customer: changed), id: EventID(), to: directory, sending: sending
            ) { sql in
                try sql.takeTurn()
                _ = try Self.customer(id, sql)
                try OrderDatabase.move(id, to: address, sql)
            }
        }
        return (changed, sending)
    }

    /// Removes a customer from the directory; orders, shipments and invoices keep what they have.
    ///
    /// - Returns: the customer as they were, and how that was sent.
    func remove(_ id: Int) async throws -> (customer: CustomerEntry, sending: Sending) {
        let customer = try await database.store.read { try Self.customer(id, leaving: true, $0) }
        let now = Timestamp.now().rfc3339
        let sending = try await told("Customer \(id)", "removed") { publisher, sending in
            try await publisher.publishDeletion(of: String(id), in: directory, sending: sending) { sql in
                try sql.takeTurn()
                _ = try Self.customer(id, leaving: true, sql)
                try OrderDatabase.remove(id, at: now, sql)
            }
        }
        return (customer, sending)
    }

    /// A customer who is to change. Asked before anything is sent, and again in the transaction: others may be faster.
    ///
    /// - Throws: a ``Refusal`` when there is no such customer (any more), or when the last one is to leave.
    private static func customer(_ id: Int, leaving: Bool = false, _ sql: any SQL) throws -> CustomerEntry {
        let customers = try OrderDatabase.directory(sql)
        guard let customer = customers.first(where: { $0.id == id }) else {
            throw Refusal(.notFound, "There is no customer \(id).")
        }
        guard !leaving || customers.count > 1 else {
            throw Refusal(.conflict, "\(customer.name) is the last customer, and stays: somebody has to order.")
        }
        return customer
    }
}

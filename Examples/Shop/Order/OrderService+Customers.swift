import HTTPTypes
import Tidings

/// What happens to customers: the newest state of each is published under their number, and a tombstone when they leave.
extension OrderService {
    /// Changes a customer's address for whoever asks the directory; what was ordered keeps the addresses it had.
    func move(_ id: Int, to address: Address) async throws {
        var problems: [String] = []
        NewOrder.check(address, "new", &problems)
        guard problems.isEmpty else { throw OrderProblems(sentences: problems) }
        guard var customer = try await database.customer(id) else { throw Self.unknownCustomer(id) }
        let address = address.trimmed
        customer.address = address
        try await told("Customer \(id)") { publisher, sending in
            try await publisher.publish(
                CustomerChanged(customer: customer), id: EventID(), to: directory, sending: sending
            ) { try OrderDatabase.move(id, to: address, $0) }
        }
    }

    /// Removes a customer from the directory; orders, shipments and invoices keep what they have.
    func remove(_ id: Int) async throws {
        guard try await database.customer(id) != nil else { throw Self.unknownCustomer(id) }
        let now = Timestamp.now().rfc3339
        try await told("Customer \(id)") { publisher, sending in
            try await publisher.publishDeletion(of: String(id), in: directory, sending: sending) { sql in
                guard try OrderDatabase.remove(id, at: now, sql) else { throw Self.unknownCustomer(id) }
            }
        }
    }

    static func unknownCustomer(_ id: Int) -> Refusal { Refusal(.notFound, "There is no customer \(id).") }
}

import HTTPTypes
import Hummingbird
import Tidings

/// The directory's addresses at the order service, which owns it.
struct CustomerPages: Sendable {
    let site: Site
    let service: OrderService
    private let outcomes = Outcomes<String>()

    func add(to router: Router<WebServer.Context>) {
        router.get("customers", use: list)
        router.put("customers/:id/address", use: move)
        router.post("customers/:id/address", use: move)
        router.delete("customers/:id", use: remove)
        router.post("customers/:id/delete", use: remove)
    }

    @Sendable private func list(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let customers = try await service.database.directory()
        if request.wantsJSON { return try JSON.response(customers) }
        return page(customers, done: outcomes.asked(by: request), request)
    }

    private func page(
        _ customers: [CustomerEntry], attempt: DirectoryPage.Attempt? = nil, done: String? = nil,
        status: HTTPResponse.Status = .ok, _ request: Request
    ) -> Response {
        var page = DirectoryPage(customers, isOwner: true, attempt: attempt, section: .orders)
        page.done = done.map {
            DirectoryPage.Done(
                sentence: $0, shippingURL: site.url(.shipments, "/customers", for: request),
                invoicingURL: site.url(.invoices, "/customers", for: request))
        }
        return site.page("customers", title: "Customers", status: status, for: request, page)
    }

    @Sendable private func move(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("id", as: Int.self)
        let body = try await request.body()
        let fields = FormBody(body)
        let address =
            request.hasJSONBody
            ? try JSON.decode(Address.self, from: body)
            : Address(street: fields["street"], zip: fields["zip"], city: fields["city"])
        return try await answer(request, id, address) {
            let (customer, sending) = try await service.move(id, to: address)
            return
                "\(customer.name) is at \(customer.address?.line ?? "no address") now. A record with the number \(id) and all "
                + "that is known of them \(sending.fate). Compaction need only keep this one of theirs."
        }
    }

    @Sendable private func remove(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("id", as: Int.self)
        return try await answer(request, id) {
            let (customer, sending) = try await service.remove(id)
            return
                "\(customer.name) is removed. A tombstone, which is a record with the number \(id) and without a value, "
                + "\(sending.fate). Whoever keeps a list of customers strikes them off when they read it; compaction then takes everything "
                + "of \(id) out of the topic, in the end the tombstone, too."
        }
    }

    /// Changes something about a customer. A program hears that it is done, or why not; a person comes back to the list, and
    /// reads it there.
    ///
    /// - Parameters:
    ///   - address: what was typed, if anything.
    ///   - change: returns what was done, in a sentence.
    private func answer(
        _ request: Request, _ id: Int, _ address: Address? = nil, _ change: () async throws -> String
    ) async throws -> Response {
        let isProgram = request.wantsJSON || request.method == .delete
        let refusal: Refusal
        do {
            let sentence = try await change()
            return isProgram ? Response(status: .noContent) : outcomes.show(sentence, at: "/customers")
        } catch let problems as OrderProblems {
            refusal = problems.refusal
        } catch let error as Refusal {
            refusal = error
        }
        let customers = try await service.database.directory()
        guard !isProgram, customers.contains(where: { $0.id == id }) else { throw refusal }
        let attempt = DirectoryPage.Attempt(customer: id, address: address, problem: refusal.message)
        return page(customers, attempt: attempt, status: refusal.status, request)
    }
}

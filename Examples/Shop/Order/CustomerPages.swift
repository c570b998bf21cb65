import HTTPTypes
import Hummingbird

/// The directory's addresses at the order service, which owns it.
struct CustomerPages: Sendable {
    let site: Site
    let service: OrderService

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
        return page(customers, problem: nil, done: try await done(request, customers), request)
    }

    /// What was just done, for the one who did it.
    private func done(_ request: Request, _ customers: [CustomerEntry]) async throws -> String? {
        if let id = try request.queryNumber("removed"), let name = try await service.database.formerCustomer(id) {
            return
                "\(name) is removed, and a tombstone is published: a record with the number \(id) and without a value. "
                + "Whoever keeps a list of customers strikes them off when they read it; compaction then takes everything "
                + "of \(id) out of the topic, in the end the tombstone, too."
        }
        if let id = try request.queryNumber("moved"), let customer = customers.first(where: { $0.id == id }) {
            return
                "\(customer.name)’s address is set, and a record with the number \(id) is published, with all that is known "
                + "of them now. Compaction need only keep this one of theirs."
        }
        return nil
    }

    private func page(
        _ customers: [CustomerEntry], problem: String?, done: String? = nil, status: HTTPResponse.Status = .ok,
        _ request: Request
    ) -> Response {
        var page = DirectoryPage(customers, isOwner: true, problem: problem, section: .orders)
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
        do {
            try await service.move(id, to: address)
        } catch let problems as OrderProblems {
            let sentence = problems.sentences.joined(separator: " ")
            if request.wantsJSON { throw Refusal(.unprocessableContent, sentence) }
            let customers = try await service.database.directory()
            return page(customers, problem: sentence, status: .unprocessableContent, request)
        }
        return request.wantsJSON ? Response(status: .noContent) : .seeOther("/customers?moved=\(id)")
    }

    @Sendable private func remove(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("id", as: Int.self)
        try await service.remove(id)
        return request.wantsJSON || request.method == .delete
            ? Response(status: .noContent) : .seeOther("/customers?removed=\(id)")
    }
}

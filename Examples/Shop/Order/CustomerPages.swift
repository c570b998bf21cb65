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
        return page(customers, problem: nil, done: outcomes.asked(by: request), request)
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
        let customer: CustomerEntry
        let sending: Sending
        do {
            (customer, sending) = try await service.move(id, to: address)
        } catch let problems as OrderProblems {
            let sentence = problems.sentences.joined(separator: " ")
            if request.wantsJSON { throw Refusal(.unprocessableContent, sentence) }
            let customers = try await service.database.directory()
            return page(customers, problem: sentence, status: .unprocessableContent, request)
        }
        return answer(
            request,
            "\(customer.name) is at \(customer.address?.line ?? "no address") now. A record with the number \(id) and all "
                + "that is known of them \(sending.fate). Compaction need only keep this one of theirs.")
    }

    @Sendable private func remove(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("id", as: Int.self)
        let (customer, sending): (CustomerEntry, Sending)
        do {
            (customer, sending) = try await service.remove(id)
        } catch let refusal as Refusal where refusal.status == .conflict && !request.wantsJSON {
            return page(
                try await service.database.directory(), problem: refusal.message, status: refusal.status, request)
        }
        return answer(
            request,
            "\(customer.name) is removed. A tombstone, which is a record with the number \(id) and without a value, "
                + "\(sending.fate). Whoever keeps a list of customers strikes them off when they read it; compaction then takes everything "
                + "of \(id) out of the topic, in the end the tombstone, too.")
    }

    /// A program hears that it is done; a person comes back to the list, and reads what was.
    private func answer(_ request: Request, _ sentence: String) -> Response {
        request.wantsJSON || request.method == .delete
            ? Response(status: .noContent) : .seeOther("/customers?did=\(outcomes.keep(sentence))#did")
    }
}

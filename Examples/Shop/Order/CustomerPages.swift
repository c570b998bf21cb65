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
        return request.wantsJSON ? try JSON.response(customers) : page(customers, problem: nil, request)
    }

    private func page(
        _ customers: [CustomerEntry], problem: String?, status: HTTPResponse.Status = .ok, _ request: Request
    ) -> Response {
        site.page(
            "customers", title: "Customers", status: status, for: request,
            DirectoryPage(customers, isOwner: true, problem: problem, section: .orders))
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
        return request.wantsJSON ? Response(status: .noContent) : .seeOther("/customers")
    }

    @Sendable private func remove(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        try await service.remove(try context.parameters.require("id", as: Int.self))
        return request.wantsJSON || request.method == .delete ? Response(status: .noContent) : .seeOther("/customers")
    }
}

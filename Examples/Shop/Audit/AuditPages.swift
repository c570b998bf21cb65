import HTTPTypes
import Hummingbird

/// The audit as JSON, and what is known of a single order.
struct AuditPages: Sendable {
    let site: Site
    let auditor: Auditor

    func add(to router: Router<WebServer.Context>) {
        router.get("audit") { _, _ in try JSON.response(await auditor.report) }
        router.get("history/:order", use: history)
    }

    @Sendable private func history(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("order")
        let history = await auditor.history(of: id)
        guard history.isKnown else {
            throw Refusal(
                .notFound,
                "The audit has not heard of an order \(Readable.short(id)): it is neither in the order service nor in the topic, and no "
                    + "reader knows it. (The audit looks once a second.)")
        }
        let links = HistoryView.Links(
            order: site.url(.orders, "/orders/\(id)", for: request),
            shipment: site.url(.shipments, "/shipments/\(id)", for: request),
            invoice: site.url(.invoices, "/invoices/\(id)", for: request))
        return site.page("history", title: "History of \(id)", for: request, HistoryView(history, links))
    }
}

import HTTPTypes
import Hummingbird

/// Invoicing's addresses: the same for people (pages) and for programs (JSON).
struct InvoicePages: Sendable {
    let site: Site
    let database: InvoicingDatabase

    private static let pageSize = 50

    private struct Row: Sendable {
        let number: Int64
        let orderId: String
        let customer: String
        let total: String
        let createdAt: String
        let dateTime: String
        let after: String
        let instance: String
        let partition: Int
        let isCancelled: Bool

        init(_ invoice: Invoice) {
            number = invoice.number
            orderId = invoice.orderId
            customer = invoice.customer
            total = Money(cents: invoice.totalCents).formatted
            createdAt = Readable.time(invoice.createdAt)
            dateTime = invoice.createdAt
            after = Readable.duration(milliseconds: invoice.handling.afterMilliseconds)
            instance = invoice.handling.instance
            partition = invoice.handling.partition
            isCancelled = invoice.cancelledAt != nil
        }
    }

    private struct List: Sendable {
        let rows: [Row]
        let total: String
        let older: String?
        let isFirstPage: Bool
    }

    private struct Detail: Sendable {
        struct Line: Sendable {
            let name: String
            let price: String
            let count: String
            let total: String
        }
        let row: Row
        let email: String
        let address: Address
        let lines: [Line]
        let offset: String
        let cancelledAt: String?
        let orderURL: String
        let shipmentURL: String
    }

    func add(to router: Router<WebServer.Context>) {
        router.get("/") { _, _ in Response.seeOther("/invoices") }
        router.get("invoices", use: list)
        router.get("invoices/:order", use: detail)
        router.get("status") { _, _ in try JSON.response(try await database.status()) }
    }

    @Sendable private func list(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let before = try request.queryNumber("before").map(Int64.init)
        if request.wantsJSON {
            return try JSON.response(
                try await database.invoices(limit: try ListLimit.json(request), before: before))
        }
        let size = Self.pageSize
        let invoices = try await database.invoices(limit: size + 1, before: before)
        let shown = invoices.prefix(size)
        let status = try await database.status()
        return site.page(
            "invoices", title: "Invoices", for: request,
            List(
                rows: shown.map(Row.init), total: status.count.grouped(),
                older: invoices.count > size ? shown.last.map { "/invoices?before=\($0.number)" } : nil,
                isFirstPage: before == nil))
    }

    @Sendable private func detail(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("order")
        guard let invoice = try await database.invoice(for: id) else {
            throw Refusal(.notFound, "There is no invoice for order \(id), or not yet: invoicing may still hear of it.")
        }
        if request.wantsJSON { return try JSON.response(invoice) }
        let lines = (invoice.lines ?? []).map {
            Detail.Line(
                name: $0.name, price: Money(cents: $0.priceCents).formatted, count: $0.count.grouped(),
                total: Money(cents: $0.totalCents).formatted)
        }
        return site.page(
            "invoice", title: "Invoice \(invoice.number)", for: request,
            Detail(
                row: Row(invoice), email: invoice.email, address: invoice.address, lines: lines,
                offset: invoice.handling.offset.grouped(), cancelledAt: invoice.cancelledAt.map(Readable.time),
                orderURL: site.url(.orders, "/orders/\(id)", for: request),
                shipmentURL: site.url(.shipments, "/shipments/\(id)", for: request)))
    }
}

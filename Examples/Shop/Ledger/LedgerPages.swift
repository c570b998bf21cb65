import HTTPTypes
import Hummingbird

/// A ledger's addresses: the same for people (pages) and for programs (JSON).
struct LedgerPages<D: DocumentPages>: Sendable {
    let site: Site
    let ledger: Ledger<D>
    let directory: Directory

    private static var pageSize: Int { 50 }
    /// `/shipments`, `/invoices`
    private static var path: String { D.section.path }

    /// A template finds what all documents have in it under `head`, what only these have under `own`.
    private struct Row: Sendable {
        let head: DocumentView
        let own: D.View
    }

    private struct List: Sendable {
        let rows: [Row]
        let total: String
        /// The address of the next page; nil on the last.
        let older: String?
        let isFirstPage: Bool
    }

    private struct Detail: Sendable {
        let head: DocumentView
        let own: D.View
        /// What the directory says of the customer today; nil where the document does not know who they are.
        let today: Today?
        let orderURL: String
        let shipmentURL: String
        let invoiceURL: String
    }

    private struct Today: Sendable {
        /// Nil when they have left.
        let customer: DirectoryPage.Row?

        init(_ customer: CustomerEntry?) { self.customer = customer.map { DirectoryPage.Row($0) } }
    }

    func add(to router: Router<WebServer.Context>) {
        router.get("/") { _, _ in Response.seeOther(Self.path) }
        router.get(RouterPath(Self.path), use: list)
        router.get(RouterPath("\(Self.path)/:order"), use: detail)
        router.get("customers", use: customers)
        router.get("cancellations") { _, _ in try JSON.response(try await ledger.cancellations()) }
        router.get("status") { _, _ in try JSON.response(try await ledger.status()) }
    }

    @Sendable private func list(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let before = try request.queryNumber("before")
        if request.wantsJSON {
            let limit = try ListLimit.json(request)
            if let after = try request.queryNumber("after") {
                return try JSON.response(try await ledger.documents(after: after, limit: limit))
            }
            return try JSON.response(try await ledger.documents(limit: limit, before: before))
        }
        let size = Self.pageSize
        // One more than is shown tells whether there are older ones.
        let documents = try await ledger.documents(limit: size + 1, before: before)
        let shown = documents.prefix(size)
        return site.page(
            D.section.rawValue, title: D.section.title, for: request,
            List(
                rows: shown.map { Row(head: DocumentView($0), own: $0.view) },
                total: try await ledger.status().count.grouped(),
                older: documents.count > size ? shown.last.map { "\(Self.path)?before=\($0.number)" } : nil,
                isFirstPage: before == nil))
    }

    @Sendable private func customers(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let (customers, progress) = directory.all
        if request.wantsJSON { return try JSON.response(customers) }
        return site.page(
            "customers", title: "Customers", for: request,
            DirectoryPage(customers, isOwner: false, progress: progress, section: D.section))
    }

    @Sendable private func detail(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("order")
        guard let document = try await ledger.document(for: id) else {
            // Whoever has a document's own number finds it, too.
            let number = Int(id)
            if let number, let order = try await ledger.order(ofNumber: number) {
                return .seeOther("\(Self.path)/\(order)")
            }
            let id = Readable.short(id)
            let missing = number == nil ? "no \(D.table)" : "no \(D.table) \(id), and none"
            throw Refusal(
                .notFound,
                "There is \(missing) for order \(id), or not yet. An event that was sent after the action may be lost for good."
            )
        }
        if request.wantsJSON { return try JSON.response(document) }
        return site.page(
            D.table, title: document.title, for: request,
            Detail(
                head: DocumentView(document), own: document.view,
                today: directory.isReady ? document.customerId.map { Today(directory[$0]) } : nil,
                orderURL: site.url(.orders, "/orders/\(id)", for: request),
                shipmentURL: site.url(.shipments, "/shipments/\(id)", for: request),
                invoiceURL: site.url(.invoices, "/invoices/\(id)", for: request)))
    }
}

import HTTPTypes
import Hummingbird

/// Shipping's addresses: the same for people (pages) and for programs (JSON).
struct ShipmentPages: Sendable {
    let site: Site
    let database: ShippingDatabase

    private static let pageSize = 50

    private struct Row: Sendable {
        let orderId: String
        let recipient: String
        let address: String
        let createdAt: String
        let dateTime: String
        let after: String
        let instance: String
        let partition: Int
        let isCancelled: Bool

        init(_ shipment: Shipment) {
            orderId = shipment.orderId
            recipient = shipment.recipient
            address = shipment.address.line
            createdAt = Readable.time(shipment.createdAt)
            dateTime = shipment.createdAt
            after = Readable.duration(milliseconds: shipment.handling.afterMilliseconds)
            instance = shipment.handling.instance
            partition = shipment.handling.partition
            isCancelled = shipment.cancelledAt != nil
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
            let count: String
        }
        let row: Row
        let address: Address
        let lines: [Line]
        let offset: String
        let cancelledAt: String?
        let orderURL: String
        let invoiceURL: String
    }

    func add(to router: Router<WebServer.Context>) {
        router.get("/") { _, _ in Response.seeOther("/shipments") }
        router.get("shipments", use: list)
        router.get("shipments/:order", use: detail)
        router.get("status") { _, _ in try JSON.response(try await database.status()) }
    }

    @Sendable private func list(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let before = try request.queryNumber("before").map(Int64.init)
        if request.wantsJSON {
            let shipments = try await database.shipments(limit: try ListLimit.json(request), before: before)
            return try JSON.response(shipments.map(\.1))
        }
        let size = Self.pageSize
        let shipments = try await database.shipments(limit: size + 1, before: before)
        let shown = shipments.prefix(size)
        let status = try await database.status()
        return site.page(
            "shipments", title: "Shipments", for: request,
            List(
                rows: shown.map { Row($0.1) }, total: status.count.grouped(),
                older: shipments.count > size ? shown.last.map { "/shipments?before=\($0.0)" } : nil,
                isFirstPage: before == nil))
    }

    @Sendable private func detail(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("order")
        guard let shipment = try await database.shipment(of: id) else {
            throw Refusal(.notFound, "There is no shipment for order \(id), or not yet: shipping may still hear of it.")
        }
        if request.wantsJSON { return try JSON.response(shipment) }
        return site.page(
            "shipment", title: "Shipment for \(id)", for: request,
            Detail(
                row: Row(shipment), address: shipment.address,
                lines: (shipment.lines ?? []).map { .init(name: $0.name, count: $0.count.grouped()) },
                offset: shipment.handling.offset.grouped(),
                cancelledAt: shipment.cancelledAt.map(Readable.time),
                orderURL: site.url(.orders, "/orders/\(id)", for: request),
                invoiceURL: site.url(.invoices, "/invoices/\(id)", for: request)))
    }
}

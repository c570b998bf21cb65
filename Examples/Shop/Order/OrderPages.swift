import HTTPTypes
import Hummingbird
import Tidings

/// The order service's addresses: the same for people (pages) and for programs (JSON).
struct OrderPages: Sendable {
    let site: Site
    let service: OrderService
    private let placed = Outcomes<Notice>()
    private let deleted = Outcomes<OrderViews.Deleted>()
    private let priced = Outcomes<String>()

    private var database: OrderDatabase { service.database }

    /// How many orders a page of the list shows.
    private static let pageSize = 50

    func add(to router: Router<WebServer.Context>) {
        router.get("/") { _, _ in Response.seeOther("/orders") }
        router.get("orders", use: list)
        router.post("orders", use: place)
        router.get("orders/new", use: form)
        router.get("orders/:id", use: detail)
        router.delete("orders/:id", use: delete)
        router.post("orders/:id/delete", use: delete)
        router.get("items", use: items)
        router.post("items/:id/price", use: setPrice)
        router.put("items/:id/price", use: setPrice)
        router.get("status") { _, _ in try JSON.response(try await service.status()) }
        router.get("deletions") { _, _ in try JSON.response(try await database.deletedOrders()) }
        router.put("sending", use: setSending)
    }

    @Sendable private func list(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let before = try request.queryNumber("before")
        if request.wantsJSON {
            let limit = try ListLimit.json(request)
            if let after = try request.queryNumber("after") {
                return try JSON.response(try await database.orders(after: after, limit: limit))
            }
            return try JSON.response(try await database.orders(limit: limit, before: before))
        }
        let size = Self.pageSize
        // One more than is shown tells whether there are older ones.
        let orders = try await database.orders(limit: size + 1, before: before)
        let shown = orders.prefix(size)
        let status = try await database.status()
        let older = orders.count > size ? shown.last.map { "/orders?before=\($0.sequence)" } : nil
        return site.page(
            "orders", title: "Orders", for: request,
            OrderViews.List(
                rows: shown.map(OrderViews.Row.init), total: status.orders.grouped(), older: older,
                isFirstPage: before == nil, deleted: deleted.asked(by: request)))
    }

    @Sendable private func detail(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("id")
        guard let order = try await database.order(id) else {
            if let time = try await database.deletion(of: id) {
                throw Refusal(.notFound, "Order \(id) was deleted on \(Readable.time(time)) UTC.")
            }
            guard OrderID.isValid(id), !request.wantsJSON else { throw OrderService.unknown(id) }
            return site.page(
                "no-order", title: "No order \(id)", status: .notFound, for: request,
                OrderViews.Missing(id: id, historyURL: site.url(.start, "/history/\(id)", for: request)))
        }
        if request.wantsJSON { return try JSON.response(order) }
        let lines = order.lines.map {
            OrderViews.Line(
                name: $0.name, price: Money(cents: $0.priceCents).formatted, count: $0.count.grouped(),
                total: Money(cents: $0.totalCents).formatted)
        }
        return site.page(
            "order", title: "Order \(order.id)", for: request,
            OrderViews.Detail(
                id: order.id, customer: order.customer, placedAt: Readable.time(order.placedAt),
                dateTime: order.placedAt, lines: lines, total: Money(cents: order.totalCents).formatted,
                shipping: order.shippingAddress, billing: order.billingAddress,
                shipmentURL: site.url(.shipments, "/shipments/\(order.id)", for: request),
                invoiceURL: site.url(.invoices, "/invoices/\(order.id)", for: request),
                done: placed.asked(by: request)))
    }

    @Sendable private func form(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        try await page(OrderForm(), problems: [], status: .ok, for: request)
    }

    @Sendable private func place(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let body = try await request.body()
        if request.hasJSONBody || request.wantsJSON {
            return try await placeJSON(JSON.decode(NewOrder.self, from: body), request)
        }
        let fields = FormBody(body)
        var form = OrderForm(fields)
        do {
            if fields.contains("more") {
                form.addLines()
                return try await page(form, problems: [], status: .ok, for: request)
            }
            let (order, sending) = try await service.place(form.newOrder())
            let sentence =
                sending.map { "The order is placed. Its event, which tells shipping and invoicing, \($0.fate)." }
                ?? "This order was there already, and stays as it was placed first: the same form twice is one order."
            return placed.show(.calm(sentence), at: "/orders/\(order.id)")
        } catch let problems as OrderProblems {
            return try await page(form, problems: problems.sentences, status: .unprocessableContent, for: request)
        } catch let refusal as Refusal where refusal.code == .lost {
            return placed.show(.broken(refusal.message), at: "/orders/\(form.id)")
        } catch let refusal as Refusal {
            return try await page(
                form, problems: [refusal.message], code: refusal.code, status: refusal.status, for: request)
        } catch  where !(error is CancellationError) {
            let refusal = Refusal.unexpected(error, at: request, context.logger)
            return try await page(
                form, problems: [refusal.message], code: fields.contains("more") ? nil : refusal.code,
                status: refusal.status, for: request)
        }
    }

    private func placeJSON(_ wish: NewOrder, _ request: Request) async throws -> Response {
        do {
            let (order, sending) = try await service.place(wish)
            return try JSON.response(
                order, status: sending == nil ? .ok : .created, headers: [.location: "/orders/\(order.id)"])
        } catch let problems as OrderProblems {
            throw problems.refusal
        }
    }

    private func page(
        _ form: OrderForm, problems: [String], code: Refusal.Code? = nil, status: HTTPResponse.Status,
        for request: Request
    ) async throws -> Response {
        let known: (items: [Item], customers: [Customer], sending: Sending?)
        do {
            known = (try await database.items(), try await database.customers(), try await database.sending())
        } catch  where !problems.isEmpty {
            // What was filled in is kept all the same.
            known = ([], [], nil)
        }
        return site.page(
            "order-form", title: "New order", status: status, for: request,
            OrderViews.Form(
                form, problems: problems, code: code, items: known.items, customers: known.customers,
                sendingTitle: known.sending?.title))
    }

    @Sendable private func delete(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let id = try context.parameters.require("id")
        let sending = try await service.delete(id)
        if request.wantsJSON || request.method == .delete { return Response(status: .noContent) }
        return deleted.show(
            OrderViews.Deleted(
                id: id, fate: sending.fate, shipmentURL: site.url(.shipments, "/shipments/\(id)", for: request),
                invoiceURL: site.url(.invoices, "/invoices/\(id)", for: request),
                historyURL: site.url(.start, "/history/\(id)", for: request)), at: "/orders")
    }

    @Sendable private func items(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let items = try await database.items()
        return try request.wantsJSON ? JSON.response(items) : itemsPage(items, request)
    }

    /// - Parameter attempt: a price that was refused, and why: what was typed stays.
    private func itemsPage(
        _ items: [Item], attempt: (item: Int, text: String, problem: String)? = nil,
        status: HTTPResponse.Status = .ok, _ request: Request
    ) -> Response {
        let rows = items.map { item in
            let price = Money(cents: item.priceCents)
            let attempt = attempt.flatMap { $0.item == item.id ? $0 : nil }
            return OrderViews.ItemRow(
                id: item.id, name: item.name, price: price.formatted, typed: attempt?.text ?? price.plain,
                problem: attempt?.problem)
        }
        return site.page(
            "items", title: "Items", status: status, for: request,
            OrderViews.Items(rows: rows, done: priced.asked(by: request)))
    }

    @Sendable private func setPrice(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        struct Price: Decodable {
            let priceCents: Int
        }
        let id = try context.parameters.require("id", as: Int.self)
        let body = try await request.body()
        let text = FormBody(body)["price"]
        let cents = request.hasJSONBody ? try JSON.decode(Price.self, from: body).priceCents : Money(text: text)?.cents
        let items = try await database.items()
        guard let item = items.first(where: { $0.id == id }) else {
            throw Refusal(.notFound, "There is no item \(id).")
        }
        guard let cents, (0...100_000_000).contains(cents) else {
            let problem = "A price is an amount such as 12.50, at most 1,000,000.00."
            if request.wantsJSON { throw Refusal(.unprocessableContent, problem) }
            return itemsPage(items, attempt: (id, text, problem), status: .unprocessableContent, request)
        }
        try await database.setPrice(cents, of: id)
        if request.wantsJSON { return Response(status: .noContent) }
        return priced.show("\(item.name) costs \(Money(cents: cents).formatted) from now on.", at: "/items")
    }

    @Sendable private func setSending(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let choice = try JSON.decode(SendingChoice.self, from: try await request.body())
        try await database.setSending(try choice.checked())
        return try JSON.response(choice)
    }
}

/// `{"sending": "outbox"}`
struct SendingChoice: Codable, Sendable {
    var sending: String

    /// - Throws: a ``Refusal`` when there is no such way.
    func checked() throws -> Sending {
        guard let sending = Sending(word: sending) else {
            let known = Sending.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(
                .unprocessableContent, "“\(Readable.short(sending))” is no way of sending; there are \(known).")
        }
        return sending
    }
}

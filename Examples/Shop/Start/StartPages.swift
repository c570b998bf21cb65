import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Tidings

/// The start page: what the shop is, how it stands, what one can do to it, and the choice of how events are sent.
struct StartPages: Sendable {
    let site: Site
    let watch: SystemWatch
    let journeys: Journeys
    let auditor: Auditor
    let compaction: CompactionWatch
    let token: FormToken
    let outcomes: Outcomes
    /// Those whom the demonstration plays; nil where nothing can be done but to look.
    let customers: Customers?
    let hasBroker: Bool

    func add(to router: Router<WebServer.Context>) {
        router.get("/", use: start)
        router.get("status", use: status)
        router.post("sending", use: chooseSending)
        router.get("live", use: live)
        router.get("live.js") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/javascript; charset=utf-8", .cacheControl: "no-cache"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.live_js)))
        }
    }

    @Sendable private func start(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        if request.wantsJSON { return try await status(request, context) }
        return await page(request)
    }

    @Sendable private func status(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        try JSON.response(await watch.state())
    }

    @Sendable private func chooseSending(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let form = FormBody(try await request.body())
        try token.check(form)
        do {
            let choice = SendingChoice(sending: form["sending"])
            _ = try await HTTPClient(port: site.ports.orders).put(SendingChoice.self, "/sending", choice)
            await watch.forget()
            let back = ControlPages.back(form)
            return .seeOther(back == "/" ? "/#sending" : back)
        } catch {
            return await page(
                request, status: .serviceUnavailable,
                problem: "The way of sending stays as it was: the order service says “\(error)”.")
        }
    }

    private func page(
        _ request: Request, status: HTTPResponse.Status = .ok, problem: String? = nil
    ) async -> Response {
        var view = await view(request)
        view.problem = problem
        view.done = outcome(request)
        return site.page("start", title: "Overview", status: status, for: request, view)
    }

    /// What came of the form that led here.
    func outcome(_ request: Request) -> String? {
        (try? request.queryNumber("did")).flatMap { $0 }.flatMap { outcomes[$0] }
    }

    func view(_ request: Request) async -> StartView {
        let state = await watch.state()
        return StartView(
            state, audit: await auditor.report, compaction: await compaction.count,
            journeys: await journeys.latest(StartView.shownJourneys),
            chronicle: await watch.chronicle,
            control: customers.map { .init(token: token, account: $0.account, hasBroker: hasBroker) },
            token: token,
            newOrderURL: site.url(.orders, "/orders/new", for: request),
            itemsURL: site.url(.orders, "/items", for: request),
            orderURL: site.url(.orders, "/orders/", for: request))
    }

    // MARK: Live

    /// What a reader of the stream is told at a time: the parts of the page that look different, and what moved.
    private struct Change: Encodable {
        var parts: [String: String] = [:]
        var motions: [Journeys.Motion] = []
        /// For the forms on a page that an earlier process has made.
        var token: String?
    }

    /// The parts of the page that change, as server-sent events.
    @Sendable private func live(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let body = ResponseBody { writer in
            var last: [String: String] = [:]
            var seen: Int?
            var silentRounds = 0
            while !Task.isShuttingDownGracefully {
                let view = await view(request)
                let (motions, number) = await journeys.motions(since: seen, limit: Self.mostMotions)
                let parts = StartView.parts.reduce(into: [:]) { $0[$1] = site.part($1, view) }
                let change = Change(
                    parts: parts.filter { last[$0.key] != $0.value }, motions: motions,
                    token: seen == nil ? token.text : nil)
                (last, seen) = (parts, number)
                if !change.parts.isEmpty || !change.motions.isEmpty || change.token != nil {
                    let json = String(decoding: try JSON.encode(change), as: UTF8.self)
                    try await writer.write(ByteBuffer(string: "data: \(json)\n\n"))
                    silentRounds = 0
                } else {
                    silentRounds += 1
                    // Only by writing does one learn that a reader has gone.
                    if silentRounds % 40 == 0 { try await writer.write(ByteBuffer(string: ":\n\n")) }
                }
                try await Task.sleep(for: Self.pace)
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
    }

    /// How often a reader hears of changes, at most, and of how many motions at a time.
    private static let pace: Duration = .milliseconds(250)
    private static let mostMotions = 60
}

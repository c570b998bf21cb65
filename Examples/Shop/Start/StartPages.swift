import HTTPTypes
import Hummingbird
import Tidings

/// The start page: what the shop is, how it stands, what one can do to it, and the choice of how events are sent.
struct StartPages: Sendable {
    let site: Site
    let watch: SystemWatch
    let journeys: Journeys
    let auditor: Auditor
    let compaction: CompactionWatch
    let token: FormToken
    let outcomes: Outcomes<Notice>
    /// Those whom the demonstration plays; nil where nothing can be done but to look.
    let customers: Customers?
    let hasBroker: Bool

    func add(to router: Router<WebServer.Context>) {
        router.get("/", use: start)
        router.get("status", use: status)
        router.post("sending", use: chooseSending)
        router.get("live", use: live)
        router.get("live.js") { _, _ in Response.liveScript }
    }

    @Sendable private func start(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        if request.wantsJSON { return try await status(request, context) }
        var view = await view(request)
        view.done = outcomes.asked(by: request)
        return site.page("start", title: "Overview", for: request, view)
    }

    @Sendable private func status(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        try JSON.response(await watch.state())
    }

    @Sendable private func chooseSending(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let form = FormBody(try await request.body())
        try token.check(form)
        let choice = SendingChoice(sending: form["sending"])
        let sending = try choice.checked()
        do {
            _ = try await HTTPClient(port: site.ports.orders).put(SendingChoice.self, "/sending", choice)
            await watch.forget()
            let back = ControlPages.back(form)
            // The start page marks the way that is in use.
            if back == "/" { return .seeOther("/#sending") }
            return outcomes.show(.calm("From now on events are sent \(sending.title)."), at: back)
        } catch {
            let problem = "The way of sending stays as it was; the order service does not take it: \(error)."
            if request.wantsJSON { throw Refusal(.serviceUnavailable, problem) }
            return outcomes.show(.broken(problem), at: ControlPages.back(form))
        }
    }

    func view(_ request: Request) async -> StartView {
        let state = await watch.state()
        return StartView(
            state, audit: await auditor.report, compaction: await compaction.count,
            journeys: await journeys.latest(StartView.shownJourneys),
            chronicle: await watch.chronicle,
            control: customers.map { .init(account: $0.account, circumstances: circumstances(state)) },
            token: token,
            newOrderURL: site.url(.orders, "/orders/new", for: request),
            itemsURL: site.url(.orders, "/items", for: request),
            orderURL: site.url(.orders, "/orders/", for: request))
    }

    /// What it depends on which buttons make sense.
    func circumstances(_ state: SystemState) -> Deed.Circumstances {
        Deed.Circumstances(
            state: state, isStreaming: customers?.account.isRunning ?? false, hasBroker: hasBroker)
    }

    // MARK: Live

    /// The parts of the page that change, as server-sent events.
    @Sendable private func live(_ request: Request, _ context: WebServer.Context) -> Response {
        .live { seen in
            let view = await view(request)
            let (motions, number) = await journeys.motions(since: seen, limit: Self.mostMotions)
            let parts = StartView.parts.reduce(into: [:]) { $0[$1] = site.part($1, view) }
            return (LiveChange(parts: parts, motions: motions, token: seen == nil ? token.text : nil), number)
        }
    }

    /// Of how many motions a reader hears at a time, at most.
    private static let mostMotions = 60
}

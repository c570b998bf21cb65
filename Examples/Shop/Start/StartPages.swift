import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle
import Tidings

/// The start page: what the shop is, how it stands, and the choice of how events are sent.
struct StartPages: Sendable {
    let site: Site
    let watch: SystemWatch

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
        return try await page(request)
    }

    @Sendable private func status(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        try JSON.response(await watch.state())
    }

    @Sendable private func chooseSending(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        let choice = SendingChoice(sending: FormBody(try await request.body())["sending"])
        do {
            _ = try await HTTPClient(port: site.ports.orders).put(SendingChoice.self, "/sending", choice)
            await watch.forget()
            return .seeOther("/#sending")
        } catch {
            return try await page(
                request, status: .serviceUnavailable,
                problem: "The way of sending stays as it was: the order service says “\(error)”.")
        }
    }

    /// The parts of the page that change, as server-sent events: one whenever they look different.
    @Sendable private func live(_ request: Request, _ context: WebServer.Context) async throws -> Response {
        struct Parts: Encodable, Equatable {
            let now: String
            let details: String
        }
        let body = ResponseBody { writer in
            var last: Parts?
            var silentRounds = 0
            while !Task.isShuttingDownGracefully {
                let view = view(await watch.state(), request)
                let parts = Parts(now: site.part("now", view), details: site.part("details", view))
                if parts != last {
                    let json = String(decoding: try JSON.encode(parts), as: UTF8.self)
                    try await writer.write(ByteBuffer(string: "data: \(json)\n\n"))
                    (last, silentRounds) = (parts, 0)
                } else {
                    silentRounds += 1
                    // Only by writing does one learn that a reader has gone.
                    if silentRounds % 20 == 0 { try await writer.write(ByteBuffer(string: ":\n\n")) }
                }
                try await Task.sleep(for: Self.pace)
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
    }

    /// How often a reader hears of changes, at most.
    private static let pace: Duration = .milliseconds(500)

    private func page(
        _ request: Request, status: HTTPResponse.Status = .ok, problem: String? = nil
    ) async throws -> Response {
        site.page(
            "start", title: "Overview", status: status, for: request,
            view(await watch.state(), problem: problem, request))
    }

    private func view(_ state: SystemState, problem: String? = nil, _ request: Request) -> StartView {
        StartView(
            state, problem: problem,
            newOrderURL: site.url(.orders, "/orders/new", for: request),
            itemsURL: site.url(.orders, "/items", for: request))
    }
}

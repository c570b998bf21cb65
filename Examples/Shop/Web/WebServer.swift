import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import TidingsMetrics

/// Serves one service's pages and JSON on the loopback interface, with what all of them have in common: the style
/// sheet, `/health`, `/metrics`, errors in words and the guards against other sites.
struct WebServer: Sendable {
    typealias Context = BasicRequestContext

    /// The largest body that is read, in bytes.
    static let bodyLimit = 256 * 1024

    let site: Site
    let logger: Logger

    /// Builds the server; `health` throws while the service cannot do its work.
    ///
    /// - Parameter onReady: called once connections are accepted.
    /// - Throws: ``ShopError`` when the port is taken.
    func application(
        port: Int, health: @escaping @Sendable () async throws -> Void, onReady: @escaping @Sendable () async -> Void,
        routes: (Router<Context>) -> Void
    ) throws -> some ApplicationProtocol {
        try PortCheck.requireFree(port, for: site.section.title.lowercased())
        let router = Router(context: Context.self)
        router.middlewares.add(SecurityHeaders())
        router.middlewares.add(ErrorPages(site: site))
        router.middlewares.add(LocalHostGuard())
        router.middlewares.add(SameOriginGuard())
        router.get("style.css") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/css; charset=utf-8", .cacheControl: "no-cache"],
                body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.style_css)))
        }
        router.get("health") { _, _ in
            struct Health: Encodable {
                let status: String
            }
            do {
                try await health()
                return try JSON.response(Health(status: "ok"))
            } catch {
                return try JSON.response(Health(status: "\(error)"), status: .serviceUnavailable)
            }
        }
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusMetrics.contentType, .cacheControl: "no-cache"],
                body: .init(byteBuffer: ByteBuffer(string: ShopMetrics.all.text())))
        }
        routes(router)
        return Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { _ in await onReady() },
            logger: logger)
    }
}

extension Request {
    /// The whole body, or a refusal when it is larger than the shop accepts.
    func body() async throws -> ByteBuffer {
        var request = self
        return try await request.collectBody(upTo: WebServer.bodyLimit)
    }
}

import HTTPTypes
import Hummingbird

/// Answers only who asks for this machine by its own name.
///
/// A site elsewhere can let its own name lead to this machine (DNS rebinding), and its pages then count as this
/// service's own. What the browser asks for still bears the site's name.
struct LocalHostGuard<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        let authority = request.head.authority ?? ""
        guard LocalHost.isLocal(authority) else {
            throw Refusal(
                .misdirectedRequest,
                "This service answers at 127.0.0.1 and localhost only, not as \(authority.debugDescription).")
        }
        return try await next(request, context)
    }
}

/// The names this machine has for itself.
enum LocalHost {
    static func isLocal(_ authority: String) -> Bool {
        let authority = authority.lowercased()
        return ["127.0.0.1", "localhost", "[::1]"].contains { name in
            guard authority.hasPrefix(name) else { return false }
            let rest = authority.dropFirst(name.count)
            return rest.isEmpty || rest.first == ":" && UInt16(rest.dropFirst()) != nil
        }
    }
}

/// Lets a browser change something only from this service's own pages (no cross-site request forgery).
///
/// A browser says where a form was sent from, in `Sec-Fetch-Site` or `Origin`. Programs send neither and are let
/// through: they hold no one's cookies.
struct SameOriginGuard<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        guard request.method != .get, request.method != .head else { return try await next(request, context) }
        if let name = HTTPField.Name("Sec-Fetch-Site"), let site = request.headers[name],
            !["same-origin", "none"].contains(site)
        {
            throw Refusal(.forbidden, "This form was sent from another site, so nothing was changed.")
        }
        if let origin = request.headers[.origin], origin != "http://\(request.head.authority ?? "")",
            origin != "https://\(request.head.authority ?? "")"
        {
            throw Refusal(.forbidden, "This form was sent from \(origin), so nothing was changed.")
        }
        return try await next(request, context)
    }
}

/// Headers that keep a page to itself: no scripts or frames from anywhere else, nothing guessed from content.
struct SecurityHeaders<Context: RequestContext>: RouterMiddleware {
    private static var fields: [(name: String, value: String)] {
        [
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
                    + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            ("X-Content-Type-Options", "nosniff"),
            // Not `no-referrer`: with it a browser would send its forms with `Origin: null`.
            ("Referrer-Policy", "same-origin"),
            ("Vary", "Accept"),
        ]
    }

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        for (name, value) in Self.fields {
            if let name = HTTPField.Name(name) { response.headers[name] = value }
        }
        return response
    }
}

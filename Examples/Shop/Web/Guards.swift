import HTTPTypes
import Hummingbird

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
                "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
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

import HTTPTypes
import Hummingbird
import Logging

/// Answers every error as a page or as JSON, in words, and logs those that are our own fault.
struct ErrorPages<Context: RequestContext>: RouterMiddleware {
    let site: Site

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let refusal as Refusal {
            return try answer(refusal, to: request)
        } catch let error as HTTPError {
            return try answer(Refusal(error.status, error.body ?? Self.words(for: error.status)), to: request)
        } catch is CancellationError {
            return try answer(Refusal(.serviceUnavailable, "This service is just being stopped."), to: request)
        } catch {
            return try answer(.unexpected(error, at: request, context.logger), to: request)
        }
    }

    private func answer(_ refusal: Refusal, to request: Request) throws -> Response {
        if request.wantsJSON {
            return try JSON.response(ErrorBody(error: refusal.message, code: refusal.code), status: refusal.status)
        }
        return site.page(
            "error", title: refusal.status.reasonPhrase, status: refusal.status, for: request,
            View(sentence: refusal.message, path: site.section.path, section: site.section.title))
    }

    /// What went wrong, and where to go from here.
    private struct View: Sendable {
        let sentence: String
        let path: String
        let section: String
    }

    private static func words(for status: HTTPResponse.Status) -> String {
        switch status {
        case .notFound: "There is nothing at this address."
        case .methodNotAllowed: "That cannot be done here."
        case .contentTooLarge: "The request is larger than this service accepts."
        default: "The request could not be answered: \(status.reasonPhrase)."
        }
    }
}

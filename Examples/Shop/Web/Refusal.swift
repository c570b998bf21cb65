import HTTPTypes
import Hummingbird
import Logging

/// A request that cannot be granted, in words for the person or program that made it.
struct Refusal: Error {
    let status: HTTPResponse.Status
    let message: String
    /// What has happened all the same, for programs; nil when nothing has.
    let code: Code?

    /// What may be left of something that was refused.
    enum Code: String, Codable, Sendable {
        /// It is written, and nobody will hear of it.
        case lost
        /// Others have heard of it, and it is not written.
        case ghost
        /// Nobody knows whether it is written.
        case unknown
    }

    init(_ status: HTTPResponse.Status, _ message: String, code: Code? = nil) {
        self.status = status
        self.message = message
        self.code = code
    }

    /// What nobody expected is logged.
    static func unexpected(_ error: any Error, at request: Request, _ logger: Logger) -> Refusal {
        logger.error("request failed", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
        return Refusal(
            .internalServerError, "Something went wrong here: \(error). Nothing half-done is kept in the database.",
            code: .unknown)
    }
}

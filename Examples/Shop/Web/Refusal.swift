import HTTPTypes
import Hummingbird

/// A request that cannot be granted, in words for the person or program that made it.
struct Refusal: Error {
    let status: HTTPResponse.Status
    let message: String

    init(_ status: HTTPResponse.Status, _ message: String) {
        self.status = status
        self.message = message
    }
}

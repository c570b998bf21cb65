import HTTPTypes
import Hummingbird

extension Request {
    /// Whether the caller wants JSON rather than a page: it says so, or it sent JSON and did not ask for a page.
    var wantsJSON: Bool {
        let accepted = (headers[.accept] ?? "").lowercased()
        if accepted.contains("text/html") { return false }
        return accepted.contains("application/json") || hasJSONBody
    }

    /// Whether the body says it is JSON.
    var hasJSONBody: Bool {
        (headers[.contentType] ?? "").lowercased().hasPrefix("application/json")
    }

    /// The host name the caller used, without the port: links to the other services go to the same name.
    var hostName: String {
        let authority = head.authority ?? "127.0.0.1"
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[...end])
        }
        return String(authority.prefix { $0 != ":" })
    }

    /// The whole number in the query under `name`, if there is one.
    func queryNumber(_ name: String) throws -> Int? {
        guard let text = uri.queryParameters[Substring(name)] else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw Refusal(.badRequest, "“\(name)” must be a whole number, 0 or more, but was “\(text)”.")
        }
        return number
    }
}

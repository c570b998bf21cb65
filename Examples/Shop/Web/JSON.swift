import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

/// JSON as the shop speaks it: keys in order, slashes as they are.
enum JSON {
    static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    static func decode<T: Decodable>(_ type: T.Type, from body: ByteBuffer) throws -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw Refusal(.badRequest, explain(error))
        }
    }

    static func response(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json; charset=utf-8"
        headers[.cacheControl] = "no-store"
        let body = try encode(value)
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// Says in a sentence where a JSON body is not what was expected.
    private static func explain(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context, and key: (any CodingKey)? = nil) -> String {
            let path = context.codingPath + (key.map { [$0] } ?? [])
            return path.reduce("") { text, key in
                if let index = key.intValue { return "\(text)[\(index)]" }
                return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
            }
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "“\(place(context, and: key))” is missing."
        case .valueNotFound(_, let context):
            return "“\(place(context))” must not be null."
        case .typeMismatch(let type, let context):
            let path = place(context)
            return path.isEmpty ? "The body must be a JSON object." : "“\(path)” must be \(words(for: type))."
        case .dataCorrupted(let context):
            let path = place(context)
            if context.debugDescription.hasPrefix("Number") {
                return "A number in the body is too large, or is not whole where it must be."
            }
            return path.isEmpty ? "The body is not JSON." : "“\(path)” has a value that cannot be used."
        @unknown default:
            return "The body is not what was expected."
        }
    }

    private static func words(for type: any Any.Type) -> String {
        switch type {
        case is Int.Type: "a whole number"
        case is String.Type: "a text"
        case is Bool.Type: "true or false"
        case is any Collection.Type: "an array or object"
        default: "an object"
        }
    }
}

/// How every error looks in JSON.
struct ErrorBody: Codable {
    var error: String
    /// What has happened all the same; absent when nothing has.
    var code: Refusal.Code?
}

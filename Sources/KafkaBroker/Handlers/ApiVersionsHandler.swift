import KafkaProtocol
import NIOCore

/// ApiVersions (18), versions 0 to 4.
///
/// Answers from the table of routes, so that what is told and what is done cannot differ. A version that is not known
/// here is answered in the encoding of version 0 with UNSUPPORTED_VERSION, without looking at the body, so that any
/// client can read what to do next (KIP-511).
///
/// Left out: features (KIP-584); there are none yet.
enum ApiVersionsHandler: RequestHandler {
    static let versions: ClosedRange<Int16> = 0...4

    static func answer(
        _ request: ApiVersionsRequest, in context: RequestContext
    ) -> EventLoopFuture<ApiVersionsResponse?> {
        context.now(response(context.core.routes))
    }

    private static func response(_ routes: [APIKey: Route]) -> ApiVersionsResponse {
        ApiVersionsResponse { response in
            response.apiKeys = routes.values.sorted { $0.key.rawValue < $1.key.rawValue }.map { route in
                ApiVersionsResponse.API { api in
                    api.apiKey = route.key
                    api.minVersion = route.advertisedVersions.lowerBound
                    api.maxVersion = route.advertisedVersions.upperBound
                }
            }
        }
    }

    /// The answer to an ApiVersions request in a version from the future, of which nothing behind the correlation id is
    /// looked at; nil for any other request.
    static func answerToUnknownVersion(
        in frame: ByteBuffer, routes: [APIKey: Route]
    ) throws(ProtocolError) -> ByteBuffer? {
        var frame = frame
        guard let (key, version, correlationID) = frame.readMultipleIntegers(as: (Int16, Int16, Int32).self),
            APIKey(rawValue: key) == .apiVersions, !versions.contains(version)
        else { return nil }
        var answer = response(routes)
        answer.errorCode = .unsupportedVersion
        answer.apiKeys.removeAll { $0.apiKey != .apiVersions }
        var response = ByteBuffer()
        try answer.encodeFrame(version: 0, correlationID: correlationID, into: &response)
        return response
    }
}

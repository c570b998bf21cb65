import KafkaProtocol
import NIOCore

/// Answers the requests of one API key. Each conforming type has a file of its own under `Handlers/`, whose head says
/// which versions it speaks, what it does and what it leaves out.
protocol RequestHandler: SendableMetatype {
    associatedtype Request: KafkaRequest
    /// The versions that are implemented and tested.
    static var versions: ClosedRange<Int16> { get }
    /// The versions that ApiVersions names; differs from `versions` only where a client's bug demands it.
    static var advertisedVersions: ClosedRange<Int16> { get }
    /// Answers on the connection's event loop. Nil: no answer is sent. A failure closes the connection.
    static func answer(_ request: Request, in context: RequestContext) -> EventLoopFuture<Request.Response?>
}

extension RequestHandler {
    static var advertisedVersions: ClosedRange<Int16> { versions }
}

/// A handler with its types erased: from a frame's body to the answer's bytes.
struct Route: Sendable {
    let key: APIKey
    let versions: ClosedRange<Int16>
    let advertisedVersions: ClosedRange<Int16>
    let answer: @Sendable (inout ByteBuffer, RequestContext) throws -> EventLoopFuture<ByteBuffer?>

    init<Handler: RequestHandler>(_ handler: Handler.Type) {
        key = Handler.Request.apiKey
        versions = Handler.versions
        advertisedVersions = Handler.advertisedVersions
        answer = { body, context in
            let version = context.header.apiVersion
            let request = try Handler.Request.decode(version: version, from: &body)
            return Handler.answer(request, in: context).flatMapThrowing { response in
                guard let response else { return nil }
                var frame = ByteBuffer()
                try response.encodeFrame(
                    version: context.version, correlationID: context.header.correlationID, into: &frame)
                return frame
            }
        }
    }
}

/// What a handler knows about the request beside its body.
struct RequestContext: Sendable {
    let core: BrokerCore
    let connection: ConnectionInfo
    let header: RequestHeader
    let eventLoop: any EventLoop
    /// The most bytes of records that the answer may hold, beside one batch: what `fetch.max.bytes` and the answers that
    /// wait on this connection leave.
    var maxFetchBytes = 0

    var version: Int16 { header.apiVersion }

    /// An answer that is ready at once.
    func now<Response: Sendable>(_ response: Response) -> EventLoopFuture<Response?> {
        eventLoop.makeSucceededFuture(response)
    }
}

/// The two ends of a connection.
struct ConnectionInfo: Sendable {
    let remote: HostAndPort
    let local: HostAndPort
}

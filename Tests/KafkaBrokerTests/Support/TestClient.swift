import KafkaProtocol
import NIOCore
import NIOPosix
import Synchronization

/// A bare Kafka connection: sends any request in any version, or any bytes, and hands over answers in the order in which
/// they arrive.
final class TestClient: Sendable {
    let channel: any Channel
    private let responses: Responses

    private init(channel: any Channel, responses: Responses) {
        self.channel = channel
        self.responses = responses
    }

    static func connect(port: Int) async throws -> TestClient {
        let responses = Responses()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        ByteToMessageHandler(LengthPrefixedFrames()), responses.handler())
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return TestClient(channel: channel, responses: responses)
    }

    /// Sends a request and waits for its answer, which must be the next one.
    func send<Request: KafkaRequest>(
        _ request: Request, version: Int16? = nil, correlationID: Int32 = 7
    ) async throws -> Request.Response {
        // So that a test which asks again and again ends with its time.
        try Task.checkCancellation()
        let version = version ?? Request.versions.upperBound
        try await write(request, version: version, correlationID: correlationID)
        return try await receive(Request.self, version: version, correlationID: correlationID)
    }

    /// Sends a request without waiting for an answer.
    func write<Request: KafkaRequest>(
        _ request: Request, version: Int16, correlationID: Int32 = 7
    ) async throws {
        var buffer = ByteBuffer()
        try request.encodeFrame(
            version: version, correlationID: correlationID, clientID: "test", into: &buffer)
        try await channel.writeAndFlush(buffer)
    }

    func write(bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// The next answer, which must belong to `correlationID`.
    func receive<Request: KafkaRequest>(
        _ request: Request.Type, version: Int16, correlationID: Int32 = 7
    ) async throws -> Request.Response {
        var frame = try await receiveFrame()
        let header = try ResponseHeader.decode(apiKey: Request.apiKey, apiVersion: version, from: &frame)
        guard header.correlationID == correlationID else {
            throw Unexpected(description: "answer \(header.correlationID) came before \(correlationID)")
        }
        let response = try Request.Response.decode(version: version, from: &frame)
        guard frame.readableBytes == 0 else {
            throw Unexpected(description: "\(frame.readableBytes) bytes after the answer")
        }
        return response
    }

    /// The next frame without its length.
    func receiveFrame() async throws -> ByteBuffer {
        try await responses.next()
    }

    /// Waits until the broker closes the connection.
    func closed() async throws {
        try await channel.closeFuture.get()
    }

    func close() async throws {
        try await channel.close()
    }

    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    /// Frames that arrived, and those who wait for one.
    private final class Responses: Sendable {
        private struct State {
            var frames: [ByteBuffer] = []
            var waiting: [CheckedContinuation<ByteBuffer, any Error>] = []
            var isClosed = false
        }

        private let state = Mutex(State())

        func handler() -> Handler { Handler(responses: self) }

        func next() async throws -> ByteBuffer {
            try await withCheckedThrowingContinuation { continuation in
                let ready: Result<ByteBuffer, any Error>? = state.withLock { state in
                    if !state.frames.isEmpty { return .success(state.frames.removeFirst()) }
                    if state.isClosed { return .failure(Unexpected(description: "the connection is closed")) }
                    state.waiting.append(continuation)
                    return nil
                }
                if let ready { continuation.resume(with: ready) }
            }
        }

        fileprivate func received(_ frame: ByteBuffer) {
            let next: CheckedContinuation<ByteBuffer, any Error>? = state.withLock { state in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.frames.append(frame)
                return nil
            }
            next?.resume(returning: frame)
        }

        fileprivate func ended() {
            let waiting = state.withLock { state in
                state.isClosed = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting {
                continuation.resume(throwing: Unexpected(description: "the connection was closed"))
            }
        }

        final class Handler: ChannelInboundHandler {
            typealias InboundIn = ByteBuffer
            private let responses: Responses

            init(responses: Responses) { self.responses = responses }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                responses.received(Self.unwrapInboundIn(data))
            }

            func channelInactive(context: ChannelHandlerContext) {
                responses.ended()
            }

            func errorCaught(context: ChannelHandlerContext, error: any Error) {
                context.close(promise: nil)
            }
        }
    }

    /// The client's own framing, independent of the broker's.
    private struct LengthPrefixedFrames: ByteToMessageDecoder {
        typealias InboundOut = ByteBuffer

        mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
            guard let frame = buffer.readLengthPrefixedSlice(as: Int32.self) else { return .needMoreData }
            context.fireChannelRead(Self.wrapInboundOut(frame))
            return .continue
        }
    }
}

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// Asks another of the shop's services, on this machine: one request, one connection, one answer.
struct HTTPClient: Sendable {
    /// Why there was no usable answer.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let port: Int
    /// How long the whole exchange may take.
    var timeout: TimeAmount = .seconds(2)
    /// The largest answer that is read, in bytes.
    var answerLimit = 1024 * 1024

    func get<T: Decodable>(_ type: T.Type, _ path: String) async throws -> T {
        try await request(.GET, path, body: nil, type)
    }

    func put<T: Decodable>(_ type: T.Type, _ path: String, _ body: some Encodable) async throws -> T {
        try await request(.PUT, path, body: JSON.encode(body), type)
    }

    private func request<T: Decodable>(
        _ method: HTTPMethod, _ path: String, body: Data?, _ type: T.Type
    ) async throws -> T {
        let answer = try await exchange(method, path, body: body)
        let data = Data(answer.body.readableBytesView)
        guard (200..<300).contains(answer.status) else {
            let reason = try? JSONDecoder().decode(ErrorBody.self, from: data)
            throw Failure(description: reason?.error ?? "answered with \(answer.status)")
        }
        return try JSONDecoder().decode(type, from: data)
    }

    /// Sends a request, with a body of JSON if there is one, and waits for the answer, whatever its status.
    func exchange(_ method: HTTPMethod, _ path: String, body: Data?) async throws -> (status: Int, body: ByteBuffer) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answered = loop.makePromise(of: Answer.self)
        let handler = AnswerHandler(answered, limit: answerLimit)
        let (port, timeout) = (self.port, self.timeout)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: loop)
                .connectTimeout(timeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
        } catch {
            answered.fail(error)
            throw Failure(description: "nobody listens at 127.0.0.1:\(port)")
        }
        let deadline = loop.scheduleTask(in: timeout) {
            channel.close(promise: nil)
        }
        var headers: HTTPHeaders = [
            "Host": "127.0.0.1:\(port)", "Accept": "application/json", "Connection": "close",
        ]
        if let body {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        defer { deadline.cancel() }
        let answer = try await answered.futureResult.get()
        return (answer.status, answer.body)
    }
}

private struct Answer: Sendable {
    var status = 0
    var body = ByteBuffer()
}

/// Collects one answer. Confined to its channel's event loop, hence safe to hand to the channel's initializer.
private final class AnswerHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = HTTPClientResponsePart

    private var answer = Answer()
    private var promise: EventLoopPromise<Answer>?
    private let limit: Int

    init(_ promise: EventLoopPromise<Answer>, limit: Int) {
        self.promise = promise
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            answer.status = Int(head.status.code)
        case .body(var part):
            guard answer.body.readableBytes + part.readableBytes <= limit else {
                return finish(.failure(HTTPClient.Failure(description: "the answer is too large")), context)
            }
            answer.body.writeBuffer(&part)
        case .end:
            finish(.success(answer), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(.failure(HTTPClient.Failure(description: "the connection broke")), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(HTTPClient.Failure(description: "the connection ended without an answer")), context)
    }

    private func finish(_ result: Result<Answer, any Error>, _ context: ChannelHandlerContext) {
        promise?.completeWith(result)
        promise = nil
        context.close(promise: nil)
    }
}

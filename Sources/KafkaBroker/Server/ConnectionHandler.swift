import KafkaProtocol
import Logging
import NIOCore

/// One connection: frames in, answers out in the order of the requests.
///
/// Requests are worked on side by side, so a parked fetch holds up only the answers behind it, not the work. When too
/// much is in hand, or the peer does not take its answers, the handler stops reading and the sender feels it.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: BrokerCore
    private var info: ConnectionInfo?
    private let arriving: ArrivingBytes
    private let account: MemoryBudget.Account
    private var responses = ResponseQueue<ByteBuffer>()
    private var readIsHeldBack = false
    private var isInsideRead = false
    private var mustFlush = false
    private var isClosing = false
    /// The channel is gone, and with it all that it held.
    private var isClosed = false
    private var lastRequest = NIODeadline.now()
    private var idleCheck: Scheduled<Void>?

    init(core: BrokerCore, arriving: ArrivingBytes, account: MemoryBudget.Account) {
        self.core = core
        self.arriving = arriving
        self.account = account
    }

    func channelActive(context: ChannelHandlerContext) {
        info = ConnectionInfo(
            remote: HostAndPort(context.remoteAddress), local: HostAndPort(context.localAddress))
        scheduleIdleCheck(context: context, in: core.configuration.maxIdleTime)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        isInsideRead = true
        lastRequest = .now()
        var frame = Self.unwrapInboundIn(data)
        let size = frame.readableBytes
        do {
            try dispatch(&frame, size: size, context: context)
        } catch {
            close(context: context, because: error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInsideRead = false
        hold(hasMoved: false)
        flushIfNeeded(context: context)
        context.fireChannelReadComplete()
    }

    private func dispatch(_ frame: inout ByteBuffer, size: Int, context: ChannelHandlerContext) throws {
        guard let info else { return }
        let answer: EventLoopFuture<ByteBuffer?>
        var claim = 0
        if let fallback = try ApiVersionsHandler.answerToUnknownVersion(in: frame, routes: core.routes) {
            answer = context.eventLoop.makeSucceededFuture(fallback)
        } else {
            let header = try RequestHeader.decode(from: &frame)
            guard let route = core.routes[header.apiKey] else { throw ConnectionError.unknownAPI(header) }
            guard route.versions.contains(header.apiVersion) else {
                throw ConnectionError.unsupportedVersion(header, route.versions)
            }
            var request = RequestContext(core: core, connection: info, header: header, eventLoop: context.eventLoop)
            if header.apiKey == .fetch {
                let configuration = core.configuration
                let room = max(0, configuration.maxAnswerBytes - responses.answerBytes)
                request.maxFetchBytes = min(room, configuration.maxFetchBytes, core.memory.room)
                claim = request.maxFetchBytes
            }
            answer = try route.answer(&frame, request)
        }
        let place = responses.open(bytes: size, claim: claim)
        hold(hasMoved: true)
        answer.hop(to: context.eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let response): self.finish(place, with: response, context: context)
            case .failure(let error): self.close(context: context, because: error)
            }
        }
    }

    private func finish(
        _ place: ResponseQueue<ByteBuffer>.Place, with response: ByteBuffer?, context: ChannelHandlerContext
    ) {
        guard !isClosing else { return }
        responses.fill(place, with: response, size: response?.readableBytes ?? 0)
        defer { hold(hasMoved: false) }
        while let next = responses.next() {
            let size = next.readableBytes
            let sent = context.eventLoop.makePromise(of: Void.self)
            sent.futureResult.assumeIsolated().whenComplete { _ in
                self.responses.sent(size)
                self.hold(hasMoved: true)
                self.resumeReadingIfPossible(context: context)
            }
            context.write(Self.wrapOutboundOut(next), promise: sent)
            mustFlush = true
        }
        if !isInsideRead { flushIfNeeded(context: context) }
        resumeReadingIfPossible(context: context)
    }

    private func flushIfNeeded(context: ChannelHandlerContext) {
        guard mustFlush else { return }
        mustFlush = false
        context.flush()
    }

    // MARK: Back-pressure

    private func isSaturated(_ context: ChannelHandlerContext) -> Bool {
        let configuration = core.configuration
        return responses.count >= configuration.maxInFlightRequests
            || responses.bytesInHand >= configuration.maxInFlightBytes
            || responses.answerBytes >= configuration.maxAnswerBytes
            || !context.channel.isWritable || core.memory.isExhausted
    }

    /// Tells the budget of all connections what this one holds.
    private func hold(hasMoved: Bool) {
        guard !isClosed else { return }
        account.hold(arriving.count + responses.heldBytes, hasMoved: hasMoved)
    }

    func read(context: ChannelHandlerContext) {
        if isSaturated(context) {
            readIsHeldBack = true
            waitForRoom(context: context)
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resumeReadingIfPossible(context: context)
        context.fireChannelWritabilityChanged()
    }

    private func resumeReadingIfPossible(context: ChannelHandlerContext) {
        guard readIsHeldBack else { return }
        guard !isSaturated(context) else { return waitForRoom(context: context) }
        readIsHeldBack = false
        context.read()
    }

    /// If it is the memory of all connections that keeps this one from being read, others have to let go of some.
    private func waitForRoom(context: ChannelHandlerContext) {
        guard core.memory.isExhausted, !isClosed else { return }
        let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        core.memory.whenRoom(for: ObjectIdentifier(context.channel)) {
            eventLoop.execute {
                let (handler, context) = loopBound.value
                handler.resumeReadingIfPossible(context: context)
            }
        }
    }

    // MARK: The end

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(context: context, because: error)
    }

    /// One timer per connection, which is moved only when it fires: a busy connection pays nothing for it.
    private func scheduleIdleCheck(context: ChannelHandlerContext, in milliseconds: Int64) {
        guard core.configuration.maxIdleTime > 0 else { return }
        idleCheck = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) {
            let idle = (NIODeadline.now() - self.lastRequest).nanoseconds / 1_000_000
            let limit = self.core.configuration.maxIdleTime
            if self.responses.count == 0, idle >= limit {
                self.core.logger.debug(
                    "closing idle connection", metadata: ["peer": "\(self.info?.remote.description ?? "")"])
                context.close(promise: nil)
            } else {
                self.scheduleIdleCheck(context: context, in: max(1, self.responses.count > 0 ? limit : limit - idle))
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isClosing = true
        isClosed = true
        idleCheck?.cancel()
        core.memory.close(for: ObjectIdentifier(context.channel))
        context.fireChannelInactive()
    }

    /// Closes this connection and says why in the log; no other connection notices.
    private func close(context: ChannelHandlerContext, because error: any Error) {
        guard !isClosing else { return }
        isClosing = true
        let peer = info?.remote.description ?? "unknown"
        if error is IOError || error as? ChannelError == .inputClosed {
            core.logger.debug("connection ended", metadata: ["peer": "\(peer)", "reason": "\(error)"])
        } else {
            core.logger.warning("closing connection", metadata: ["peer": "\(peer)", "reason": "\(error)"])
        }
        context.close(promise: nil)
    }
}

/// Why the broker ends a connection.
enum ConnectionError: Error, CustomStringConvertible {
    case unknownAPI(RequestHeader)
    case unsupportedVersion(RequestHeader, ClosedRange<Int16>)
    /// A produce request with acks=0 failed; closing is the only way to say so.
    case unacknowledgedProduceFailed(ErrorCode)

    var description: String {
        switch self {
        case .unknownAPI(let header):
            "request with API key \(header.apiKey.rawValue), which this broker does not speak"
        case .unsupportedVersion(let header, let versions):
            "\(header.apiKey.name) version \(header.apiVersion); "
                + "\(versions.lowerBound) to \(versions.upperBound) are spoken"
        case .unacknowledgedProduceFailed(let error):
            "a produce request with acks=0 failed: \(error.name)"
        }
    }
}

extension HostAndPort {
    fileprivate init(_ address: SocketAddress?) {
        self.init(host: address?.ipAddress ?? "", port: address?.port ?? 0)
    }
}

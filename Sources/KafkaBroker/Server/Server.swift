import Glibc
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Accepts connections and gives each its pipeline: frames, then `ConnectionHandler`.
final class Server: Sendable {
    private struct State {
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
        var housekeeping: Housekeeping?
    }

    private let core: BrokerCore
    private let loops: MultiThreadedEventLoopGroup
    private let state = Mutex(State())

    init(core: BrokerCore, loops: MultiThreadedEventLoopGroup) {
        self.core = core
        self.loops = loops
    }

    /// Binds and answers with the address, whose port is the real one where 0 was asked for.
    func start(at address: HostAndPort) async throws -> HostAndPort {
        let bootstrap = ServerBootstrap(group: loops)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelInitializer { channel in self.initialize(channel) }
        let listener: any Channel
        do {
            listener = try await bootstrap.bind(host: address.host, port: address.port).get()
        } catch {
            throw Self.failure(at: address, error)
        }
        let watch = Housekeeping.Chore(
            interval: { min(1000, $0.maxQueuedWait) }, work: { [weak self] in self?.closeStuck() })
        let housekeeping = Housekeeping(Self.chores(core) + [watch], live: core.live, on: loops.next())
        housekeeping.start()
        state.withLock { state in
            state.listener = listener
            state.housekeeping = housekeeping
        }
        return HostAndPort(host: address.host, port: listener.localAddress?.port ?? address.port)
    }

    private static func chores(_ core: BrokerCore) -> [Housekeeping.Chore] {
        [
            Housekeeping.Chore(interval: { $0.retentionCheckInterval }, work: { core.topics.applyRetention() }),
            Housekeeping.Chore(interval: { $0.cleanerBackoff }, work: { core.cleaner.wake() }),
            Housekeeping.Chore(
                interval: { $0.offsetsRetentionCheckInterval }, work: { _ = core.groups.expireOffsets() }),
            Housekeeping.Chore(
                interval: { $0.producerIDExpirationCheckInterval }, work: { core.topics.forgetSilentProducers() }),
        ]
    }

    private static func failure(at address: HostAndPort, _ error: any Error) -> BrokerError {
        if let error = error as? IOError, error.errnoCode == EADDRINUSE {
            return BrokerError(
                .addressInUse,
                "another program listens at \(address); stop it, or choose another port with --listen, 0 for a free one",
                cause: error)
        }
        return BrokerError(
            .addressUnusable,
            "cannot listen at \(address): the address cannot be used here; choose another with --listen", cause: error)
    }

    private func initialize(_ channel: any Channel) -> EventLoopFuture<Void> {
        let isWelcome = state.withLock { state in
            guard !state.isStopping, state.connections.count < core.configuration.maxConnections else { return false }
            state.connections[ObjectIdentifier(channel)] = channel
            return true
        }
        guard isWelcome else {
            core.logger.warning(
                "refusing a connection", metadata: ["max.connections": "\(core.configuration.maxConnections)"])
            return channel.close()
        }
        channel.closeFuture.whenComplete { _ in
            _ = self.state.withLock { $0.connections.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        return channel.eventLoop.makeCompletedFuture {
            let arriving = ArrivingBytes()
            let decoder = FrameDecoder(limit: core.configuration.maxRequestBytes, arriving: arriving)
            let account = core.memory.open(for: ObjectIdentifier(channel))
            try channel.pipeline.syncOperations.addHandlers(
                ByteToMessageHandler(decoder), ConnectionHandler(core: core, arriving: arriving, account: account))
        }
    }

    /// While memory is short, closes the connection that holds the most of it and gets nowhere.
    private func closeStuck() {
        let configuration = core.configuration
        let patience = UInt64(configuration.maxQueuedWait) * 1_000_000
        guard let stuck = core.memory.stuck(for: patience),
            let channel = state.withLock({ $0.connections[stuck] })
        else { return }
        core.logger.warning(
            "closing the connection that holds the most memory and gets nowhere, so that others go on",
            metadata: [
                "peer": "\(channel.remoteAddress?.description ?? "")", "held": "\(core.memory.bytes)",
                "queued.max.bytes": "\(configuration.maxQueuedBytes)",
            ])
        channel.close(promise: nil)
    }

    /// Stops accepting and closes all connections.
    func stop() async {
        let (listener, connections) = state.withLock { state in
            state.isStopping = true
            state.housekeeping?.stop()
            return (state.listener, Array(state.connections.values))
        }
        try? await listener?.close()
        for connection in connections { connection.close(promise: nil) }
        for connection in connections { try? await connection.closeFuture.get() }
    }
}

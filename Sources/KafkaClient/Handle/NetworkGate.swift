import CRDKafka
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Takes Kafka away from the clients that go through it, as a broken network would, and gives it back; for tests of what a
/// program does meanwhile, against a Kafka that others use.
///
/// ```swift
/// let gate = NetworkGate()
/// kafka.gate = gate          // before clients are made with it
/// gate.close()               // connections break, and new ones are refused
/// gate.open()
/// ```
public final class NetworkGate: Sendable {
    private struct State {
        var isOpen = true
        var sockets: Set<Int32> = []
    }

    private let state = Mutex(State())

    /// An open gate.
    public init() {}

    /// Breaks all connections, and refuses new ones until the gate is opened.
    public func close() {
        state.withLock { state in
            state.isOpen = false
            // They are closed by their clients, which notice.
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Lets connections be made again.
    public func open() {
        state.withLock { $0.isOpen = true }
    }

    // MARK: librdkafka's callbacks, on its threads

    fileprivate func connect(_ socket: Int32, _ address: UnsafePointer<sockaddr>?, _ length: Int32) -> Int32 {
        state.withLock { state in
            guard state.isOpen else { return ECONNREFUSED }
            state.sockets.insert(socket)
            let result = connectSocket(socket, address, socklen_t(length))
            return result == 0 || errno == EINPROGRESS ? 0 : errno
        }
    }

    fileprivate func closed(_ socket: Int32) -> Int32 {
        state.withLock { state in
            state.sockets.remove(socket)
            return closeSocket(socket)
        }
    }

    /// Has a client's connections go through the gate of its context.
    static func guardConnections(of configuration: OpaquePointer) {
        rd_kafka_conf_set_connect_cb(configuration) { socket, address, length, _, opaque in
            NetworkGate.of(opaque)?.connect(socket, address, length) ?? ECONNREFUSED
        }
        rd_kafka_conf_set_closesocket_cb(configuration) { socket, opaque in
            NetworkGate.of(opaque)?.closed(socket) ?? closeSocket(socket)
        }
    }

    private static func of(_ opaque: UnsafeMutableRawPointer?) -> NetworkGate? {
        opaque.flatMap { Unmanaged<CallbackContext>.fromOpaque($0).takeUnretainedValue().gate }
    }
}

/// By names that the gate's own do not hide.
private func connectSocket(_ socket: Int32, _ address: UnsafePointer<sockaddr>?, _ length: socklen_t) -> Int32 {
    connect(socket, address, length)
}

private func closeSocket(_ socket: Int32) -> Int32 { close(socket) }

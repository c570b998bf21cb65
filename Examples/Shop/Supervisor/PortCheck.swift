import Glibc

/// Tells before anything is started that a port is taken, and what it was wanted for.
enum PortCheck {
    static func requireFree(_ port: Int, for purpose: String) throws {
        guard let number = UInt16(exactly: port), number > 0 else {
            throw ShopError("\(port) is not a port that \(purpose) could use; choose a --port from 1 to 65531.")
        }
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw ShopError("No socket: \(String(cString: strerror(errno)))") }
        defer { close(probe) }
        var on: Int32 = 1
        setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = number.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(probe, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            throw ShopError(
                "Port \(port) (\(purpose)) cannot be used: \(String(cString: strerror(errno))). "
                    + "Stop what uses it, or choose another --port.")
        }
    }
}

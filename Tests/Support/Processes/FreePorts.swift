import Foundation

/// A port with room for the next few behind it, free a moment ago.
///
/// It is below those that a system gives to outgoing connections: a client that tries to reach a stopped server cannot
/// take its port by connecting to itself.
public func freePorts(_ count: Int) throws -> Int {
    for _ in 0..<100 {
        let first = Int.random(in: 15_000..<(32_000 - count))
        if (first..<(first + count)).allSatisfy(isFree) { return first }
    }
    throw ChildProcess.Failure(description: "found no \(count) free ports in a row")
}

private func isFree(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

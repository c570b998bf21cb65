import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// `shop all` as a person starts it, asked over HTTP as a program would.
public struct ShopProcess: Sendable {
    public let supervisor: ChildProcess
    /// The start page's port; orders, shipments and invoices are on the next three.
    public let port: Int

    public struct Member: Decodable, Hashable, Sendable {
        public var role: String
        public var instance: String
        public var pid: Int32

        private enum Keys: String, CodingKey { case role, instance, pid }

        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Keys.self)
            role = try fields.decode(String.self, forKey: .role)
            pid = try fields.decode(Int32.self, forKey: .pid)
            instance =
                try (try? fields.decode(String.self, forKey: .instance))
                ?? String(fields.decode(Int.self, forKey: .instance))
        }
    }

    public init(dataDirectory: String, port: Int, arguments: [String] = []) async throws {
        self.port = port
        supervisor = try ChildProcess(
            Programs.shop, ["all", "--port", "\(port)", "--data-dir", dataDirectory] + arguments)
        _ = try await supervisor.waitForLine(
            startingWith: "shop ready at http://127.0.0.1:\(port)", within: .seconds(60))
    }

    public func url(_ offset: Int, _ path: String = "") -> String { "http://127.0.0.1:\(port + offset)\(path)" }

    public func processes() async throws -> [Member] {
        struct Status: Decodable { var processes: [Member] }
        return try await get(Status.self, 0, "/status").processes
    }

    public func get<T: Decodable>(_ type: T.Type, _ offset: Int, _ path: String) async throws -> T {
        let (status, body) = try await request("GET", offset, path)
        guard status == 200 else { throw ChildProcess.Failure(description: "GET \(path): \(status)") }
        return try JSONDecoder().decode(type, from: body)
    }

    /// Sends a request that accepts JSON; the status and the body of the answer.
    public func request(
        _ method: String, _ offset: Int, _ path: String, body: Data? = nil
    ) async throws -> (Int, Data) {
        guard let address = URL(string: url(offset, path)) else {
            throw ChildProcess.Failure(description: "no URL: \(path)")
        }
        var request = URLRequest(url: address, timeoutInterval: 10)
        request.httpMethod = method
        request.httpBody = body
        request.setValue("application/json", forHTTPHeaderField: "Accept")
        if body != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
        let (data, response) = try await URLSession.shared.data(for: request)
        return ((response as? HTTPURLResponse)?.statusCode ?? 0, data)
    }

    public func stop() async throws {
        supervisor.signal(SIGTERM)
        try await supervisor.waitForExit()
    }
}

/// A port with room for the next few behind it, free a moment ago.
public func freePorts(_ count: Int) throws -> Int {
    for _ in 0..<100 {
        let first = Int.random(in: 20_000..<50_000)
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

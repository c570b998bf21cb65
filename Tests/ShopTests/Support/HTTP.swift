import Foundation

@testable import Shop

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Asks over HTTP as any program would.
enum HTTP {
    struct Answer: Sendable {
        let status: Int
        let body: Data

        /// - Throws: ``TestFailure`` when the answer is that it cannot be had.
        func decoded<T: Decodable>(_ type: T.Type) throws -> T {
            guard status < 400 || type is ErrorBody.Type else { throw TestFailure("\(status): \(text)") }
            return try JSONDecoder().decode(type, from: body)
        }
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    static func ask(
        _ method: String = "GET", _ port: Int, _ path: String, json: (any Encodable)? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        try await ask(method, port, path, body: json.map { try JSONEncoder().encode($0) }, headers: headers)
    }

    static func ask(
        _ method: String, _ port: Int, _ path: String, body: Data?, headers: [String: String] = [:]
    ) async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url, timeoutInterval: 30)
        request.httpMethod = method
        request.setValue("application/json", forHTTPHeaderField: "Accept")
        if let body {
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
            request.httpBody = body
        }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (body, response) = try await URLSession.shared.data(for: request)
        return Answer(status: (response as? HTTPURLResponse)?.statusCode ?? 0, body: body)
    }
}

/// Whether an error may be one of a service that is just being started.
@Sendable func isAway(_ error: any Error) -> Bool { error is URLError || error is TestFailure }

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

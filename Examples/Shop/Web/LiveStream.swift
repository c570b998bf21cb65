import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// What a page's reader is told at a time: its parts, and what moved. `live.js` shows it.
struct LiveChange<Motion: Encodable & Sendable>: Encodable, Sendable {
    /// The parts' HTML by the ids of their elements.
    var parts: [String: String]
    var motions: [Motion] = []
    /// For the forms on a page that an earlier process has made.
    var token: String?
}

extension Response {
    /// How often a reader hears of changes, at most.
    private static var pace: Duration { .milliseconds(250) }

    /// Server-sent events that keep a page up to date. Of the parts only those are sent that look different.
    ///
    /// - Parameter look: how things stand, with the number of the latest motion; it gets the number from the time before,
    ///   nil at first.
    static func live<Motion: Encodable & Sendable>(
        _ look: @escaping @Sendable (_ seen: Int?) async -> (change: LiveChange<Motion>, seen: Int)
    ) -> Response {
        let body = ResponseBody { writer in
            var last: [String: String] = [:]
            var seen: Int?
            var silentRounds = 0
            while !Task.isShuttingDownGracefully {
                var (change, number) = await look(seen)
                let parts = change.parts
                change.parts = parts.filter { last[$0.key] != $0.value }
                (last, seen) = (parts, number)
                if !change.parts.isEmpty || !change.motions.isEmpty || change.token != nil {
                    let json = String(decoding: try JSON.encode(change), as: UTF8.self)
                    try await writer.write(ByteBuffer(string: "data: \(json)\n\n"))
                    silentRounds = 0
                } else {
                    silentRounds += 1
                    // Only by writing does one learn that a reader has gone.
                    if silentRounds % 40 == 0 { try await writer.write(ByteBuffer(string: ":\n\n")) }
                }
                try await Task.sleep(for: pace)
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"], body: body)
    }

    /// The script that shows what a live stream tells.
    static var liveScript: Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/javascript; charset=utf-8", .cacheControl: "no-cache"],
            body: .init(byteBuffer: ByteBuffer(bytes: PackageResources.live_js)))
    }
}

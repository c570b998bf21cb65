import Foundation
import Processes
import Testing

@testable import Shop

@Suite("The shop's metrics", .serialized, .timeLimit(.minutes(2)))
struct MetricsTests {
    @Test("the order service tells at /metrics, in Prometheus' format, what its relay has sent")
    func relay() async throws {
        try await withTestShop(on: .sqlite) { shop in
            var processes: [ChildProcess] = []
            for role in TestShop.brokers.map(\.0) + ["order"] {
                processes.append(try shop.start(role))
                _ = try await processes.last?.waitForLine(startingWith: "shop \(role)")
            }
            try await shop.place("one")
            try await eventually("the event in the metrics", passing: isAway) {
                let answer = try await HTTP.ask("GET", shop.ports.orders, "/metrics")
                guard answer.status == 200 else { return false }
                let sent = answer.text.split(separator: "\n").first { $0.hasPrefix("tidings_outbox_sent_total ") }
                return sent?.split(separator: " ").last.flatMap { Double($0) } ?? 0 >= 1
            }
            for process in processes.reversed() {
                process.signal(SIGTERM)
                try await process.waitForExit()
            }
        }
    }
}

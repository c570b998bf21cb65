import Foundation
import Processes
import Testing

@Suite("The size of tidings broker", .timeLimit(.minutes(1)))
struct BrokerSizeTests {
    @Test("an idle broker holds less than 30 MB")
    func idle() async throws {
        try await withTemporaryFolder { folder in
            let broker = try await BrokerProcess(dataDirectory: folder)
            let status = "/proc/\(await broker.processID)/status"
            try await eventually("less than 30 MB", within: .seconds(20)) {
                let line = try String(contentsOfFile: status, encoding: .utf8)
                    .split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
                let kilobytes = line?.split(separator: " ").dropLast().last.flatMap { Int($0) }
                return try #require(kilobytes) < 30_000
            }
            try await broker.stop()
        }
    }
}

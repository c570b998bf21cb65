import Foundation
import Processes
import Testing
import TidingsAudit

@testable import TidingsCompare

/// A small comparison from its start to its three reports.
@Suite(.timeLimit(.minutes(5)))
struct ComparisonRunTests {
    @Test("it measures the three ways, and its table, its JSON and its page say the same")
    func measures() async throws {
        try await withTemporaryFolder { folder in
            let process = try ChildProcess(
                Programs.tidings,
                [
                    "compare", "--rate", "200", "--duration", "0.5", "--saturation", "0.3", "--repeats", "2",
                    "--outage", "0.3", "--gathering", "0", "5", "--json", "\(folder)/figures.json",
                    "--html", "\(folder)/page.html",
                ])
            #expect(try await process.waitForExit(within: .seconds(120)) == 0, "\(process.errors)")
            let json = try Data(contentsOf: URL(filePath: "\(folder)/figures.json"))
            let comparison = try JSONDecoder().decode(Comparison.self, from: json)
            #expect(comparison.ways.map(\.way) == [.afterAction, .beforeAction, .outbox])
            for figures in comparison.ways {
                #expect(figures.failures == 0 && figures.action.count == 200 && figures.visible.count == 200)
                #expect(figures.visible.median.lowest > 0 && figures.throughput?.lowest ?? 0 > 0)
            }
            // An event that gathers for 5 ms is at least that much later.
            #expect(comparison.curve.map(\.gathering) == [0, 5])
            #expect(comparison.curve.last?.visible.median.median ?? 0 > 5)
            #expect(comparison.exactlyOnce?.visible.count == 100)
            #expect(comparison.took > 0 && comparison.outage?.seconds == 0.3)

            let page = try String(contentsOfFile: "\(folder)/page.html", encoding: .utf8)
            // What the terminal adds is where the histories are.
            let lines = process.lines.filter { !$0.hasPrefix("(The histories behind") }
            try SameFigures(
                comparison: comparison, page: try ReadPage(page), text: ReadText(lines.joined(separator: "\n"))
            ).expect()
            // The histories are beside the page, and its links lead to them wherever both go together.
            try FileManager.default.createDirectory(atPath: "\(folder)/elsewhere", withIntermediateDirectories: true)
            for name in ["page.html", "page-histories"] {
                try FileManager.default.moveItem(atPath: "\(folder)/\(name)", toPath: "\(folder)/elsewhere/\(name)")
            }
            let links = Set(page.matches(of: /href="(page-histories[^"]+)"/).map { String($0.1) })
            #expect(links.count == 3)
            for link in links {
                #expect(FileManager.default.fileExists(atPath: "\(folder)/elsewhere/\(link)"), "\(link)")
            }
            // Nobody looks at a terminal: how far it is comes in plain lines.
            #expect(process.errors.contains("after the action, run 1 of 2\n"))
            #expect(!process.errors.contains("\r") && !process.errors.contains("\u{1B}"))
        }
    }
}

import Foundation
import Testing

@Suite("The dashboard and the alarms")
struct OperationsTests {
    /// Every metric that the sources make, by its name.
    private func metrics() throws -> Set<String> {
        let made = /label: "([a-z_]+)"/
        let files = try House.files(in: "Sources")
        return Set(files.flatMap { file in file.text.matches(of: made).map { String($0.1) } })
            .filter { $0.hasPrefix("tidings_") }
    }

    private func text(_ file: String) throws -> String {
        try String(contentsOf: House.root.appendingPathComponent("docs/operations/" + file), encoding: .utf8)
    }

    /// The names of metrics in a text, without what a histogram's series add to theirs.
    private func names(in text: String, known: Set<String>) -> Set<String> {
        Set(
            text.matches(of: /tidings_[a-z_]+/).map { match in
                let name = String(match.0)
                let stem = ["_bucket", "_sum", "_count"].first { name.hasSuffix($0) }.map { name.dropLast($0.count) }
                return known.contains(name) ? name : stem.map(String.init) ?? name
            })
    }

    @Test("use only metrics that there are", arguments: ["dashboard.json", "alarms.yml", "README.md"])
    func namesExist(file: String) throws {
        let known = try metrics()
        let used = names(in: try text(file), known: known)
        #expect(used.count >= 8)
        #expect(used.subtracting(known).sorted() == [])
    }

    @Test("leave no metric out of the dashboard")
    func dashboardIsWhole() throws {
        let known = try metrics()
        #expect(known.subtracting(names(in: try text("dashboard.json"), known: known)).sorted() == [])
    }

    @Test("the dashboard is JSON with panels that ask something")
    func dashboardIsWellFormed() throws {
        struct Dashboard: Decodable {
            struct Panel: Decodable {
                struct Target: Decodable { let expr: String }
                let id: Int
                let title: String
                let targets: [Target]
            }
            let title: String
            let panels: [Panel]
        }
        let dashboard = try JSONDecoder().decode(Dashboard.self, from: Data(try text("dashboard.json").utf8))
        #expect(Set(dashboard.panels.map(\.id)).count == dashboard.panels.count)
        for panel in dashboard.panels {
            #expect(!panel.targets.isEmpty, "\(panel.title) asks nothing")
            for target in panel.targets {
                #expect(target.expr.count(where: { $0 == "(" }) == target.expr.count(where: { $0 == ")" }))
            }
        }
    }

    @Test("each alarm says when, what and what to do")
    func alarmsAreWhole() throws {
        let rules = try text("alarms.yml").components(separatedBy: "- alert: ").dropFirst()
        #expect(rules.count >= 8)
        let runbook = try text("../../Sources/Tidings/Documentation.docc/Operating.md")
        for rule in rules {
            let name = rule.prefix { $0 != "\n" }
            #expect(runbook.contains("`\(name)`"), "the article on operating says nothing of \(name)")
            for part in ["expr: ", "severity: ", "summary: ", "action: "] {
                #expect(rule.contains(part), "\(name) has no \(part)")
            }
        }
    }
}

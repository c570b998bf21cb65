import Foundation
import Processes
import Testing
import Tidings
import TidingsAudit

@testable import TidingsCompare

@Suite struct ReportTests {
    private let full = Forged.comparison(
        outbox: Forged.figures(.outbox, action: 0.5, visible: 1.6, cpu: 170, throughput: 4100), curve: Forged.curve,
        exactlyOnce: Forged.figures(.outboxExactlyOnce, action: 0.55, visible: 2.7, throughput: 3300),
        outage: Forged.outage,
        faults: SweepReport(
            Way.allCases.map { way in
                let trial = Trial(way, on: "SQLite", .actionFails)
                return ("/histories/\(trial.name).json", Forged.history(trial))
            }))

    @Test("the page and the terminal show the figures of the JSON")
    func sameFigures() throws {
        // What is read back from the JSON, not what it was made from.
        let json = try JSONEncoder().encode(full)
        let read = try JSONDecoder().decode(Comparison.self, from: json)
        let page = HTMLReport(full, in: "/reports").page
        try SameFigures(comparison: read, page: try ReadPage(page), text: ReadText(TextReport(full).text)).expect()
        #expect(page.contains(Markup.escaped(read.recommendation.answer)))
        #expect(page.contains("All of this took 1 min 52 s."))
        #expect(read.took == 112.4)
    }

    @Test("a forged bad history turns up in the faults table, leads to its file, and is a failure")
    func forgedHistory() async throws {
        try await withTemporaryFolder { folder in
            let trials = [Fault.nothing, .actionFails, .brokerKilled].map {
                Trial(.outboxExactlyOnce, on: "SQLite", $0)
            }
            for trial in trials { try Forged.history(trial).write(into: folder) }
            let clean = try SweepReport(folder: folder, trials: trials)
            #expect(clean.failures.isEmpty)
            #expect(!HTMLReport(Forged.comparison(faults: clean), in: folder).page.contains("▲"))

            var bad = try TrialHistory(file: "\(folder)/\(trials[1].name).json")
            bad.history.facts.removeAll { if case .eventVisible("e4", _, _, _) = $0 { true } else { false } }
            bad.history.append(.eventVisible(event: "e77", key: "k1", partition: 0, offset: 90))
            bad.history.append(.eventVisible(event: "e6", key: "k0", partition: 0, offset: 91))
            let file = try bad.write(into: folder)
            let report = try SweepReport(folder: folder, trials: trials)
            let row = try #require(report.rows.first { $0.trial == trials[1] })
            #expect(row.events.lost == 1 && row.events.ghost == 1 && row.events.doubled == 1)
            #expect(row.file == file)
            #expect(report.failures.count == 1)
            // The page lies beside the folder of the histories.
            let place = URL(filePath: folder)
            let page = HTMLReport(Forged.comparison(faults: report), in: place.deletingLastPathComponent().path).page
            let link = "\(place.lastPathComponent)/\(trials[1].name).json"
            #expect(page.contains("<a href=\"\(link)\">▲ 1 lost, 1 ghost, 1 doubled</a>"))
            #expect(page.contains("<a href=\"\(link)\">\(trials[1].name).json</a>"))
            #expect(page.contains("in the folder \(place.lastPathComponent) beside this page"))
            try SameFigures(
                comparison: Forged.comparison(faults: report), page: try ReadPage(page),
                text: ReadText(TextReport(Forged.comparison(faults: report)).text)
            ).expect()
            #expect(page.contains("3 trials; events: 1 lost, 1 ghost, 1 doubled; effects: 0"))
            // What its history says of them can be read where the folder is not.
            for finding in row.findings { #expect(page.contains(Markup.escaped(finding)), "\(finding)") }
            #expect(!page.contains("file:"))
            let words = TextReport(Forged.comparison(faults: report)).text
            #expect(words.contains("NOT AS PROMISED") && words.contains("\nHistories: \(folder)\n"))
            // Below the row of that trial stands its file, and below no other.
            let lines = words.split(separator: "\n").map(String.init)
            let index = try #require(lines.firstIndex { $0.contains("1 lost, 1 ghost, 1 doubled") })
            #expect(lines[index + 1] == "    \(trials[1].name).json")
            #expect(lines.filter { $0.hasPrefix("    ") && $0.hasSuffix(".json") }.count == 1)
            // The sums lead to the rows.
            let sums = try ReadPage(page).table("Crashes, in sum")
            #expect(try sums.cell("outbox, exactly once", "events lost").isBad)
            #expect(sums.rows.allSatisfy { $0.dropFirst().allSatisfy { $0.link == "#trials-outbox-exactly-once" } })
            #expect(page.components(separatedBy: "id=\"trials-outbox-exactly-once\"").count == 2)
        }
    }

    @Test("a history that is missing is a failure, and so is a sweep whose other ways look clean")
    func provesNothing() {
        let trials = [Trial(.afterAction, on: "SQLite", .nothing), Trial(.beforeAction, on: "SQLite", .nothing)]
        let report = SweepReport(trials.map { ("/\($0.name)", Forged.history($0)) }, trials: trials)
        #expect(report.failures.count == 2)
        #expect(report.failures.allSatisfy { $0.contains("proves nothing") })
        #expect(SweepReport([], trials: trials).failures.count == 2)
    }

    @Test("a duplicate that a relay sends at least once is no failure, but an effect of it is")
    func atLeastOnce() {
        var history = Forged.history(Trial(.outbox, on: "SQLite", .nothing))
        history.history.append(.eventVisible(event: "e3", key: "k1", partition: 0, offset: 90))
        #expect(SweepReport([("/x", history)]).failures.isEmpty)
        history.history.append(.effect(event: "e3", key: "k1", reader: "reader"))
        #expect(SweepReport([("/x", history)]).failures == ["outbox on SQLite: nothing: effects: 1 doubled"])
    }

    @Test("the page needs nothing from anywhere, and cannot be broken by a name")
    func selfContained() {
        let page = HTMLReport(full, in: "/reports").page
        #expect(!page.contains("http:") && !page.contains("https:") && !page.contains("<script"))
        #expect(page.contains("a &lt;machine&gt;") && !page.contains("<machine>"))
        #expect(page.contains("prefers-color-scheme") && page.contains("@media print"))
        #expect(page.components(separatedBy: "<svg").count == 5)
    }

    @Test("a link leads from the page to the file wherever both are, and names the folder to send along")
    func links() {
        let beside = Link(to: "/home/me/report-histories/faults/histories/a b.json", from: "/home/me")
        #expect(beside.address == "report-histories/faults/histories/a%20b.json")
        #expect(beside.folder == "report-histories" && beside.isBeside)
        let elsewhere = Link(to: "/tmp/x/a.json", from: "/home/me/")
        #expect(elsewhere.address == "../../tmp/x/a.json" && elsewhere.folder == "../../tmp/x" && !elsewhere.isBeside)
    }

    @Test("no two columns of a table have the same name, and a way's trials are a table of their own")
    func columns() {
        let trials = [Trial(.afterAction, on: "SQLite", .nothing), Trial(.outbox, on: "SQLite", .nothing)]
        let report = SweepReport(trials.map { ("/\($0.name).json", Forged.history($0)) }, trials: trials)
        let comparison = Forged.comparison(curve: Forged.curve, outage: Forged.outage, faults: report)
        for table in comparison.tables + comparison.faultsTables {
            #expect(Set(table.head).count == table.head.count, "\(table.head)")
        }
        #expect(comparison.faultsTables.map(\.rows.count) == [1, 1])
        #expect(HTMLReport(comparison, in: "/").page.components(separatedBy: "<details>").count == 3)
    }

    @Test("every step of the library is in the plan of a sweep")
    func planCoversAllSteps() {
        let plan = SweepPlan.everything(on: [.sqlite])
        let steps = Set(
            plan.trials.compactMap { trial -> String? in
                if case .kill(let step, _) = trial.fault { step } else { nil }
            })
        #expect(steps == Set(Tidings.Step.Point.all.map(\.rawValue)))
        #expect(Set(plan.trials.map(\.name)).count == plan.trials.count)
    }
}

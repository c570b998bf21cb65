import Foundation
import Testing
import Tidings
import TidingsAudit

@testable import TidingsCompare

@Suite struct RecommendationTests {
    private func figures(outbox visible: Double, failures: Int = 0) -> Recommendation {
        Forged.comparison(outbox: Forged.figures(.outbox, action: 0.5, visible: visible, failures: failures))
            .recommendation
    }

    @Test("an outbox that is as fast is the answer, and what is within noise is called so")
    func asFast() {
        let recommendation = figures(outbox: 1.4)
        #expect(recommendation.answer.hasPrefix("The outbox: here it costs your events no time"))
        #expect(recommendation.reasons[0].contains("within noise"))
    }

    @Test("an outbox whose runs differ by more than anybody would bear is no answer")
    func unsteady() {
        var outbox = Forged.figures(.outbox, action: 0.5, visible: 50)
        outbox.afterCommit.median = Spread([1, 50, 300])
        let answer = Forged.comparison(outbox: outbox).recommendation.answer
        #expect(
            answer.hasPrefix("These figures do not say: the outbox's medians lie between 1.0 ms and 300 ms"),
            "\(answer)")
    }

    @Test("an outbox that is as fast at the median and later at the 99th percentile is told with that")
    func tail() {
        var outbox = Forged.figures(.outbox, action: 0.5, visible: 1.4)
        outbox.afterCommit.p99 = Spread([5.9, 6, 6.1])
        let answer = Forged.comparison(outbox: outbox).recommendation.answer
        #expect(
            answer.hasPrefix("The outbox: your events come no later at the median, within noise, but 4."), "\(answer)")
    }

    @Test("an outbox that is a little slower is the answer, with the price")
    func littleSlower() {
        let recommendation = figures(outbox: 5.4)
        #expect(
            recommendation.answer.hasPrefix("The outbox: your events come 4.0 ms later"), "\(recommendation.answer)")
        #expect(!recommendation.reasons[0].contains("within noise"))
    }

    @Test("an outbox that is much slower leaves a choice, but never that of sending before the action")
    func muchSlower() {
        let answer = figures(outbox: 101.4).answer
        #expect(
            answer.contains("100 ms later") && answer.contains("send after the action. Never before it."), "\(answer)")
    }

    @Test("figures of a run with failures recommend nothing")
    func failures() {
        #expect(figures(outbox: 1.4, failures: 1).answer.hasPrefix("These figures do not say: 3 actions failed"))
    }

    @Test("figures of a machine that does not carry the rate recommend nothing, and say what to do")
    func tooFast() {
        let comparison = Forged.comparison()
        let rate = Int(comparison.ways.compactMap(\.throughput?.median).min() ?? 0) + 1
        let answer = Recommendation(rate: rate, ways: comparison.ways, curve: [], outage: nil, faults: nil).answer
        #expect(answer.contains("asked for \(rate)") && answer.contains("a lower --rate"), "\(answer)")
    }

    @Test("of a throughput that was not measured nothing is said, and nothing stands in its column or its plot")
    func unmeasured() {
        let outbox = Forged.figures(.outbox, action: 0.5, visible: 1.6, throughput: nil)
        let curve = [0.0, 10].map {
            Forged.figures(.outbox, action: 0.5, visible: 2 + $0, gathering: $0, throughput: nil)
        }
        let exactlyOnce = Forged.figures(.outboxExactlyOnce, action: 0.5, visible: 2.7, throughput: nil)
        let comparison = Forged.comparison(outbox: outbox, curve: curve, exactlyOnce: exactlyOnce, throughput: nil)
        let recommendation = comparison.recommendation
        #expect(recommendation.answer.hasPrefix("The outbox"))
        for word in ["As fast as it can", "at most", "For that"] {
            #expect(!recommendation.reasons.contains { $0.contains(word) }, "\(recommendation.reasons)")
        }
        for table in [comparison.waysTable, comparison.curveTable].compactMap(\.self) {
            let column = table.head.firstIndex(of: "events/s at most") ?? 0
            #expect(table.rows.allSatisfy { $0[column].text == "–" }, "\(table.rows)")
        }
        #expect(!HTMLReport(comparison, in: "/").page.contains("Throughput over delay"))
        #expect(HTMLReport(Forged.comparison(curve: Forged.curve), in: "/").page.contains("Throughput over delay"))
    }

    @Test("that the outbox loses and invents nothing is told as a promise, and as tried only where it was")
    func promise() {
        for visible in [1.4, 5.4, 101.4] {
            let answer = figures(outbox: visible).answer
            #expect(answer.hasSuffix("is made to lose and invent none, which was not tried here: --faults does."))
        }
        var lost = Forged.history(Trial(.afterAction, on: "SQLite", .nothing))
        lost.history.facts.removeAll { if case .eventVisible("e4", _, _, _) = $0 { true } else { false } }
        let outbox = Forged.history(Trial(.outbox, on: "SQLite", .nothing))
        let tried = Forged.comparison(faults: SweepReport([("/a", lost), ("/o", outbox)])).recommendation.answer
        #expect(tried.hasSuffix("and in its 1 trials with kills and other faults here it did neither."), "\(tried)")
        // A sweep in which nothing is ever lost has not met the moments that matter.
        let calm = Forged.history(Trial(.afterAction, on: "SQLite", .nothing))
        let proof = Forged.comparison(faults: SweepReport([("/a", calm), ("/o", outbox)])).recommendation.answer
        #expect(proof.contains("which this run does not prove: on SQLite, sending after"), "\(proof)")
    }

    @Test("an outbox that has lost or invented events while Kafka was away has not kept its promise")
    func brokenWhileAway() {
        var outage = Forged.outage
        outage.rows[2].lost = 2
        let comparison = Forged.comparison(outage: outage)
        #expect(comparison.failures == ["outbox with Kafka away: 2 events lost, 0 ghosts"])
        #expect(comparison.recommendation.answer.hasPrefix("None of these figures counts"))
        #expect(HTMLReport(comparison, in: "/").page.contains("▲ outbox with Kafka away: 2 events lost"))
        #expect(Forged.comparison(outage: Forged.outage).failures.isEmpty)
    }

    @Test("what was measured once is told to be from one run")
    func oneRun() {
        let comparison = Forged.comparison(curve: Forged.curve, outage: Forged.outage)
        #expect(comparison.outageTable?.sentence.contains("One run each") == true)
        #expect(comparison.curveTable?.sentence.contains("One run each") == true)
        #expect(
            comparison.recommendation.reasons.contains { $0.hasPrefix("With Kafka away") && $0.contains("(one run)") })
    }

    @Test("that the outbox reads again what it has written is said where it costs more, and only there")
    func price() {
        for (cpu, says) in [(10.0, false), (1000, true)] {
            let outbox = Forged.figures(.outbox, action: 0.5, visible: 5, cpu: cpu)
            let reasons = Forged.comparison(outbox: outbox).recommendation.reasons
            #expect(reasons.contains { $0.contains("read and removed again") } == says, "\(reasons)")
        }
    }

    @Test("without figures there is no answer, but what the kills have shown is told")
    func nothingMeasured() {
        let recommendation = Recommendation(rate: 500, ways: [], curve: [], outage: nil, faults: nil)
        #expect(recommendation.answer.hasPrefix("That was not measured"))
        #expect(recommendation.reasons.count == 1)
    }

    @Test("the curve's bend is where gathering longer spares next to nothing more")
    func bend() {
        let reasons = Forged.comparison(curve: Forged.curve).recommendation.reasons
        #expect(reasons.contains { $0.contains("gathering for 10 ms spares 63 %") }, "\(reasons)")
        #expect(TradeOff(Forged.curve)?.bend?.gathering == 10)
        let page = HTMLReport(Forged.comparison(curve: Forged.curve), in: "/").page
        #expect(page.components(separatedBy: ">the bend</text>").count == 3, "one in each plot")
        let flat = Forged.curve.map {
            Forged.figures(.outbox, action: 0.5, visible: 5, gathering: $0.gathering, cpu: 99)
        }
        let calm = Forged.comparison(curve: flat).recommendation.reasons
        #expect(calm.contains { $0.contains("no processor time beyond noise") }, "\(calm)")
        #expect(!HTMLReport(Forged.comparison(curve: flat), in: "/").page.contains("the bend"))
    }

    @Test("figures that follow the noise of the machine are called so, and no bend is read from them")
    func noise() {
        let unsteady = zip(Forged.curve, [5.0, 60, 14, 30]).map { point, visible in
            Forged.figures(.outbox, action: 0.5, visible: visible, gathering: point.gathering, cpu: 100 / visible)
        }
        let reasons = Forged.comparison(curve: unsteady).recommendation.reasons
        #expect(reasons.contains { $0.hasPrefix("What gathering brings cannot be told here") }, "\(reasons)")
        #expect(!reasons.contains { $0.contains("something else is going on") })
        var wide = Forged.figures(.outbox, action: 0.5, visible: 1.6)
        wide.action.median = Spread([0.5, 0.6, 1.5])
        let words = Forged.comparison(outbox: wide).recommendation.reasons
        #expect(words.contains { $0.contains("differ by up to 3.0 times") }, "\(words)")
    }

    @Test("what it costs to publish exactly once is told, or that it was not measured")
    func exactlyOnce() {
        let slower = Forged.figures(.outboxExactlyOnce, action: 0.5, visible: 6.4, throughput: 2000)
        let measured = Forged.comparison(exactlyOnce: slower).recommendation.reasons
        #expect(
            measured.contains {
                $0.contains("6.4 ms after the commit instead of 1.6 ms, and at most 2,000 a second instead of 5,000")
            }, "\(measured)")
        #expect(Forged.comparison().recommendation.reasons.contains { $0.hasSuffix("was not measured.") })
    }

    @Test("times are counted from the commit, in the answer as in the table")
    func oneMeasure() {
        var outbox = Forged.figures(.outbox, action: 0.5, visible: 50)
        outbox.afterCommit = Forged.figures(.outbox, action: 0.5, visible: 5.4).afterCommit
        let recommendation = Forged.comparison(outbox: outbox).recommendation
        #expect(recommendation.reasons[0].contains("From the commit") && !recommendation.reasons[0].contains("50 ms"))
        #expect(recommendation.answer.contains("4.0 ms later"), "\(recommendation.answer)")
    }

    @Test("what Kafka's absence does is told for each way")
    func outage() {
        let reasons = Forged.comparison(outage: Forged.outage).recommendation.reasons
        #expect(
            reasons.contains {
                $0.contains("350 done and their events lost") && $0.contains("350 refused")
                    && $0.contains("outbox: none of them touched, and the latest event came 10.3 s after its call")
            }, "\(reasons)")
    }

    @Test("a broken promise of the outbox comes before all figures")
    func broken() {
        var history = Forged.history(Trial(.outbox, on: "SQLite", .nothing))
        history.history.append(.effect(event: "e3", key: "k1", reader: "reader"))
        let report = SweepReport([("/histories/x.json", history)])
        let recommendation = Forged.comparison(faults: report).recommendation
        #expect(recommendation.answer.contains("the outbox has not kept its promise"))
        #expect(recommendation.reasons.contains { $0.hasPrefix("Not as promised: outbox on SQLite") })
    }
}

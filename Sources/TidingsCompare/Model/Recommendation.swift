import TidingsAudit

/// The answer to the question that a comparison is made for, derived from its figures and nothing else.
public struct Recommendation: Hashable, Sendable, Codable {
    /// What was asked.
    public var question: String
    /// The answer, in a sentence or two.
    public var answer: String
    /// Why, one figure after the other.
    public var reasons: [String]

    /// Derives the answer.
    public init(
        rate: Int, ways: [Comparison.Figures], curve: [Comparison.Figures], exactlyOnce: Comparison.Figures? = nil,
        outage: Comparison.Outage?, faults: SweepReport?
    ) {
        question = "My events are extremely time-sensitive; which way should I use?"
        let figures = Dictionary(ways.map { ($0.way, $0) }) { first, _ in first }
        guard let outbox = figures[.outbox], let after = figures[.afterAction] else {
            answer = "That was not measured: it takes figures for sending after the action and for the outbox."
            reasons = Self.faults(faults)
            return
        }
        let noise = Self.noise(ways)
        answer = Self.broken(outage, faults) ?? Self.answer(outbox, after, at: rate, isNoisy: noise != nil, faults)
        reasons = [Self.time(outbox, after)]
        if let before = figures[.beforeAction] { reasons.append(Self.ghosts(before)) }
        reasons.append(Self.caller(outbox, after))
        if let noise { reasons.append(noise) }
        if let throughput = Self.throughput(outbox, after) { reasons.append(throughput) }
        reasons.append(Self.price(outbox, after, at: rate))
        if let bend = Self.bend(curve) { reasons.append(bend) }
        reasons.append(Self.exactlyOnce(exactlyOnce, outbox))
        if let outage { reasons.append(Self.outage(outage)) }
        reasons += Self.faults(faults)
    }

    /// A delay that nobody notices who is not a machine.
    private static let noticeable = 20.0

    /// What comes before all figures: an outbox that has lost or invented something; nil when it has not.
    private static func broken(_ outage: Comparison.Outage?, _ faults: SweepReport?) -> String? {
        let (plain, exact) = (faults?.total(.outbox), faults?.total(.outboxExactlyOnce))
        let events = plain?.events.withoutRepetitions(of: .outbox)
        let isClean = [events, plain?.effects, exact?.events, exact?.effects].allSatisfy { $0?.isClean ?? true }
        let away = outage?.failures ?? []
        guard !isClean || !away.isEmpty else { return nil }
        return "None of these figures counts before this is mended: the outbox has not kept its promise. "
            + ((away + (faults?.failures ?? [])).first ?? "")
    }

    private static func answer(
        _ outbox: Comparison.Figures, _ after: Comparison.Figures, at rate: Int, isNoisy: Bool, _ faults: SweepReport?
    ) -> String {
        if outbox.failures > 0 || after.failures > 0 {
            return "These figures do not say: \(outbox.failures + after.failures) actions failed although nothing was "
                + "wrong. Look at the logs, and measure again."
        }
        if let most = [outbox, after].compactMap(\.throughput?.median).min(), most < Double(rate) {
            return
                "These figures do not say: this machine carries \(Words.count(most)) events a second and was asked for "
                + "\(rate), so that the times are those of a queue. Measure again with a lower --rate."
        }
        let (own, direct) = (outbox.afterCommit, after.afterCommit)
        guard own.count > 0, direct.count > 0 else { return "That was not measured: no action was called for." }
        let delay = Delay(of: own, behind: direct)
        if delay.median == nil, delay.mayBe > noticeable, own.median.highest - own.median.lowest > noticeable {
            return
                "These figures do not say: the outbox's medians lie between \(Words.milliseconds(own.median.lowest)) and "
                + "\(Words.milliseconds(own.median.highest)). Measure again when less is going on on this machine."
        }
        guard let words = delay.words else {
            return "The outbox: here it costs your events no time beyond noise. \(kept(faults))"
        }
        guard max(delay.median ?? 0, delay.p99 ?? 0) > noticeable else {
            let doubt = isNoisy ? ", as far as that can be told while something else goes on on this machine" : ""
            return
                "The outbox: your events come \(words) than when sent right after the action\(doubt). \(kept(faults))"
        }
        return
            "The outbox, if none of your events may be lost. Here they come \(words) than when "
            + "sent right after the action: where that is too much, and an event may now and then be lost with a "
            + "process that dies, send after the action. Never before it. \(kept(faults))"
    }

    /// How much later events come one way than another, in milliseconds; nil where that is within noise, or sooner.
    private struct Delay {
        var median: Double?
        var p99: Double?
        /// So much later the medians of single runs may lie, noise or not.
        var mayBe: Double

        init(of own: Latencies, behind direct: Latencies) {
            func delay(_ own: Spread, _ direct: Spread) -> Double? {
                own.isWithinNoise(of: direct) || own.median < direct.median ? nil : own.median - direct.median
            }
            median = delay(own.median, direct.median)
            p99 = delay(own.p99, direct.p99)
            mayBe = own.median.highest - direct.median.lowest
        }

        var words: String? {
            switch (median, p99) {
            case (nil, nil): nil
            case (let median?, nil): "\(Words.milliseconds(median)) later"
            case (nil, let p99?):
                "no later at the median, within noise, but \(Words.milliseconds(p99)) later at the 99th percentile"
            case (let median?, let p99?):
                "\(Words.milliseconds(median)) later at the median, \(Words.milliseconds(p99)) at the 99th percentile,"
            }
        }
    }

    /// What the outbox promises of events, and what of that was tried here.
    private static func kept(_ faults: SweepReport?) -> String {
        let promise = "Of the three it alone is made to lose and invent none"
        let trials = faults?.rows.count { $0.trial.way == .outbox } ?? 0
        guard let faults, trials > 0 else { return "\(promise), which was not tried here: --faults does." }
        return faults.failures.isEmpty
            ? "\(promise), and in its \(trials) trials with kills and other faults here it did neither."
            : "\(promise), which this run does not prove: \(faults.failures[0])."
    }

    private static func time(_ outbox: Comparison.Figures, _ after: Comparison.Figures) -> String {
        let (own, direct) = (outbox.afterCommit, after.afterCommit)
        let figures =
            "From the commit until a consumer has the event it takes \(Words.milliseconds(own.median.median)) through the "
            + "outbox (p99 \(Words.milliseconds(own.p99.median))) and \(Words.milliseconds(direct.median.median)) sent "
            + "after the action (p99 \(Words.milliseconds(direct.p99.median)))"
        return own.median.isWithinNoise(of: direct.median)
            ? figures + "; at the median that is within noise." : figures + "."
    }

    private static func ghosts(_ before: Comparison.Figures) -> String {
        guard before.comesBeforeCommit else {
            return "Sent before the action, an event that fails afterwards stays in the world: a ghost."
        }
        return
            "Sent before the action, consumers know of it \(Words.milliseconds(before.afterCommit.median.median)) before "
            + "it is true. That is no speed to be had: if the action then fails, they know of something that never "
            + "happened."
    }

    private static func caller(_ outbox: Comparison.Figures, _ after: Comparison.Figures) -> String {
        let (own, direct) = (outbox.action.median, after.action.median)
        let figures =
            "Whoever calls for the action waits \(Words.milliseconds(own.median)) with the outbox and "
            + "\(Words.milliseconds(direct.median)) when the service sends after it"
        if own.isWithinNoise(of: direct) { return figures + "; that is within noise." }
        return own.median < direct.median
            ? figures + ": \(Words.factor(direct.median, own.median)) times as long, for Kafka's answer is waited for."
            : figures + "."
    }

    /// How much goes through at most; nil where that was not measured.
    private static func throughput(_ outbox: Comparison.Figures, _ after: Comparison.Figures) -> String? {
        guard let own = outbox.throughput, let direct = after.throughput else { return nil }
        let figures =
            "As fast as it can, the outbox carries \(Words.count(own.median)) events a second to a consumer, and sending "
            + "after the action \(Words.count(direct.median))"
        return own.isWithinNoise(of: direct) ? figures + "; that is within noise." : figures + "."
    }

    private static func price(_ outbox: Comparison.Figures, _ after: Comparison.Figures, at rate: Int) -> String {
        let (own, direct) = (outbox.cpu, after.cpu)
        let figures =
            "At \(Words.count(Double(rate))) actions a second the service takes \(Words.count(own.median)) µs of processor time an event through the outbox, and "
            + "\(Words.count(direct.median)) µs sent after the action"
        if own.isWithinNoise(of: direct) { return figures + "; that is within noise." }
        return own.median > direct.median
            ? figures + ": what is written down is read and removed again." : figures + "."
    }

    /// Says so when runs of the same way differ by more than half.
    private static func noise(_ ways: [Comparison.Figures]) -> String? {
        let factors = ways.flatMap { [$0.action.median, $0.visible.median] }.filter { $0.lowest > 0 }
            .map { $0.highest / $0.lowest }
        guard let worst = factors.max(), worst > 1.5 else { return nil }
        return
            "Medians of runs of the same way differ by up to \(Words.factor(worst, 1)) times: something else is going "
            + "on on this machine, and small differences mean nothing."
    }

    private static func bend(_ curve: [Comparison.Figures]) -> String? {
        guard let trade = TradeOff(curve) else { return nil }
        let (first, bend) = (trade.first, trade.bend)
        guard trade.isSteady else {
            return
                "What gathering brings cannot be told here: its figures follow the noise of the machine. Measure again "
                + "when less is going on beside."
        }
        guard let bend else {
            return "The relay's setting can stay as it is, at no gathering: at this rate longer gathering spares no "
                + "processor time beyond noise."
        }
        let spared = Int((100 * (1 - bend.cpu.median / max(first.cpu.median, 0.001))).rounded())
        let price = bend.afterCommit.median.median - first.afterCommit.median.median
        return "For time-sensitive events let the relay gather nothing, as it does by default. Where they may wait "
            + "\(Words.milliseconds(price)) longer at the median, gathering for \(Words.milliseconds(bend.gathering ?? 0)) spares "
            + "\(spared) % of the service's processor time; "
            + (bend.gathering == trade.last.gathering
                ? "longer was not tried." : "longer spares next to nothing more.")
    }

    /// What it costs that readers of committed records see each event once.
    private static func exactlyOnce(_ figures: Comparison.Figures?, _ outbox: Comparison.Figures) -> String {
        guard let figures else {
            return "What it costs to publish exactly once, each batch in a Kafka transaction, was not measured."
        }
        let (own, plain) = (figures.afterCommit.median, outbox.afterCommit.median)
        var sum =
            "Published exactly once, each batch in a Kafka transaction, events are with consumers "
            + "\(Words.milliseconds(own.median)) after the commit instead of \(Words.milliseconds(plain.median))"
        if let most = figures.throughput?.median, let plain = outbox.throughput?.median {
            sum += ", and at most \(Words.count(most)) a second instead of \(Words.count(plain))"
        }
        sum += " (one run)"
        return own.isWithinNoise(of: plain) ? sum + "; the times are within noise." : sum + "."
    }

    private static func outage(_ outage: Comparison.Outage) -> String {
        let parts = outage.rows.map { row in
            var words: [String] = []
            if row.refused > 0 { words.append("\(row.refused) refused") }
            if row.delayed > 0 { words.append("\(row.delayed) delayed for more than a second") }
            if row.lost > 0 { words.append("\(row.lost) done and their events lost") }
            if row.ghost > 0 { words.append("\(row.ghost) not done and their events sent") }
            let fate = words.isEmpty ? "none of them touched" : words.joined(separator: ", ")
            guard row.way.usesRelay, let latest = row.latest else { return "\(row.way): \(fate)" }
            return "\(row.way): \(fate), and the latest event came \(Words.milliseconds(latest)) after its call"
        }
        return
            "With Kafka away for \(Words.seconds(outage.seconds)) s, of \(outage.rows.first?.actions ?? 0) actions in "
            + "each way (one run): " + parts.joined(separator: "; ") + "."
    }

    private static func faults(_ faults: SweepReport?) -> [String] {
        guard let faults else {
            return ["What is lost, invented or doubled when processes die was not tried: run it again with --faults."]
        }
        let parts = Way.allCases.compactMap { way -> String? in
            guard faults.rows.contains(where: { $0.trial.way == way }) else { return nil }
            let total = faults.total(way)
            return "\(way): events \(total.events.words), effects \(total.effects.words)"
        }
        let sum =
            "In \(faults.rows.count) trials with kills at every step and other faults: "
            + parts.joined(separator: "; ") + "."
        let stamps =
            faults.total(.outbox).events.doubled == 0
            ? []
            : [
                "An event that the outbox sends twice carries the same stamp twice: a subscription of Tidings passes it over, so "
                    + "that no effect is doubled; other readers know it by its id (ce_id). Published exactly once, readers of "
                    + "committed records see it once."
            ]
        return [sum] + stamps + faults.failures.map { "Not as promised: \($0)." }
    }
}

import Tidings

/// What a sweep has shown: for each trial the counts, and the file that they can be traced to.
public struct SweepReport: Sendable, Codable, CustomStringConvertible {
    /// How often a kind of thing went wrong.
    public struct Counts: Hashable, Sendable, Codable {
        public var lost = 0
        public var ghost = 0
        public var doubled = 0
        public var reordered = 0

        /// Those of a verdict's findings that `isCounted` picks.
        init(_ verdict: Verdict, where isCounted: (Finding) -> Bool) {
            func count(_ kind: Finding.Kind) -> Int { verdict.findings.count { $0.kind == kind && isCounted($0) } }
            lost = count(.lost)
            ghost = count(.ghost)
            doubled = count(.doubled)
            reordered = count(.reordered)
        }

        init() {}

        /// All four are zero.
        public var isClean: Bool { self == Counts() }

        /// Of the outbox's events without those that came twice: a relay that sends at least once may send a batch again, and
        /// readers know it by its stamps.
        package func withoutRepetitions(of way: Way) -> Counts {
            var counts = self
            if way == .outbox { counts.doubled = 0 }
            return counts
        }

        /// All four together.
        public var sum: Int { lost + ghost + doubled + reordered }

        static func + (left: Counts, right: Counts) -> Counts {
            var sum = left
            sum.lost += right.lost
            sum.ghost += right.ghost
            sum.doubled += right.doubled
            sum.reordered += right.reordered
            return sum
        }
    }

    /// One trial, judged.
    public struct Row: Sendable, Codable {
        public var trial: Trial
        /// What went wrong with events, in Kafka.
        public var events: Counts
        /// What went wrong with effects, at their reader.
        public var effects: Counts
        /// How many actions were committed.
        public var actions: Int
        /// How many processes were killed.
        public var kills: Int
        /// What keeps the trial from being a proof.
        public var obstacle: String?
        /// The findings in words, the first few.
        public var findings: [String]
        /// The history on disk.
        public var file: String
    }

    /// One row for each trial.
    public var rows: [Row]

    /// What was promised and does not hold; empty when the outbox has lost, invented, doubled and reordered nothing, and
    /// the other two ways have shown what they are here to show.
    public var failures: [String]

    /// Judges all histories of a folder.
    ///
    /// - Parameter trials: those that there must be.
    /// - Throws: when a file cannot be read.
    public init(folder: String, trials: [Trial] = []) throws {
        self.init(try TrialHistory.all(in: folder), trials: trials)
    }

    /// Judges histories.
    public init(_ histories: [(file: String, history: TrialHistory)], trials: [Trial] = []) {
        let order = Dictionary(trials.enumerated().map { ($1, $0) }) { first, _ in first }
        rows = histories.map { Row($0.history, file: $0.file) }
            .sorted { order[$0.trial, default: .max] < order[$1.trial, default: .max] }
        failures = Self.failures(rows, trials)
    }

    /// The sum over all trials of a way.
    public func total(_ way: Way) -> (events: Counts, effects: Counts) {
        rows.filter { $0.trial.way == way }.reduce((Counts(), Counts())) { ($0.0 + $1.events, $0.1 + $1.effects) }
    }

    private static func failures(_ rows: [Row], _ trials: [Trial]) -> [String] {
        var failures = Set(trials).subtracting(rows.map(\.trial)).map { "\($0): there is no history" }.sorted()
        for row in rows {
            if let obstacle = row.obstacle { failures.append("\(row.trial): \(obstacle)") }
            if row.actions == 0 { failures.append("\(row.trial): no action was committed") }
            failures += row.brokenPromises.map { "\(row.trial): \($0)" }
        }
        // Were they clean, too, the kills would have missed the moments that matter.
        let shown = Dictionary(grouping: rows, by: \.trial.database)
        for (database, rows) in shown.sorted(by: { $0.key < $1.key }) {
            let ways = Dictionary(grouping: rows, by: \.trial.way)
            if let after = ways[.afterAction], after.allSatisfy({ $0.events.lost == 0 }) {
                failures.append("on \(database), sending after the action has lost nothing: this sweep proves nothing")
            }
            if let before = ways[.beforeAction], before.allSatisfy({ $0.events.ghost == 0 }) {
                failures.append("on \(database), sending before the action shows no ghost: this sweep proves nothing")
            }
        }
        return failures
    }

    /// The table in words, and what failed.
    public var description: String {
        let head = ["way", "database", "fault", "events", "effects"]
        let body = rows.map {
            [
                "\($0.trial.way)", $0.trial.database, "\($0.trial.fault)", $0.events.words, $0.effects.words,
            ]
        }
        let widths = head.indices.map { column in ([head] + body).map { $0[column].count }.max() ?? 0 }
        let lines = ([head] + body).map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        }
        return (lines + failures.map { "FAILED \($0)" }).joined(separator: "\n")
    }
}

extension SweepReport.Counts {
    /// For tables: a dash for nothing, or the kinds with their numbers.
    public var words: String {
        let kinds = [("lost", lost), ("ghost", ghost), ("doubled", doubled), ("reordered", reordered)]
        let found = kinds.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        return found.isEmpty ? "0" : found.joined(separator: ", ")
    }
}

extension SweepReport.Row {
    init(_ known: TrialHistory, file: String) {
        let verdict = Checker(readers: [TrialRun.reader]).check(known.history)
        trial = known.trial
        events = SweepReport.Counts(verdict) { $0.reader == nil }
        effects = SweepReport.Counts(verdict) { $0.reader != nil }
        actions = known.history.facts.count { if case .actionCommitted = $0 { true } else { false } }
        kills = known.kills
        obstacle = known.obstacle
        findings = verdict.findings.prefix(10).map(\.description)
        self.file = file
    }

    /// What this way promises and has not kept.
    var brokenPromises: [String] {
        guard trial.way.usesRelay else { return [] }
        let events = events.withoutRepetitions(of: trial.way)
        var broken: [String] = []
        if !events.isClean { broken.append("events: \(events.words)") }
        if !effects.isClean { broken.append("effects: \(effects.words)") }
        return broken
    }
}

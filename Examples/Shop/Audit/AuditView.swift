import Tidings
import TidingsAudit

/// The audit as the start page shows it.
struct AuditView: Sendable {
    struct Row: Sendable {
        struct Cell: Sendable {
            let label: String
            let count: String
            let isWrong: Bool
        }
        let name: String
        let cells: [Cell]
        let behind: String
        let isBehind: Bool
    }

    struct Entry: Sendable {
        let order: String
        let text: String
    }

    /// So many orders are named; the JSON has all.
    private static let shown = 12
    /// Older than so many milliseconds, a judgement says of when it is.
    private static let fresh: Int64 = 5_000

    let tone: String
    let mark: String
    let sentence: String
    /// Whether the list names what is wrong.
    let hasFindings: Bool
    let rows: [Row]
    let entries: [Entry]
    let more: String?
    let resent: String?
    let hasJudged: Bool
    /// When that was; what stands beside the table may be newer.
    let clock: String

    init(_ report: AuditReport, at now: Timestamp = .now()) {
        hasJudged = report.judgedAt != nil
        clock = report.judgedAt.map(Readable.clock) ?? ""
        rows = report.subjects.map(Row.init)
        let wrong = Self.wrong(report.findings)
        hasFindings = !wrong.isEmpty
        entries = wrong.prefix(Self.shown).map { Entry(order: $0.order, text: Self.text($0.findings)) }
        let rest = wrong.count - entries.count
        more = rest > 0 ? "and \(Readable.count(rest, "order")) more" : nil
        resent =
            report.resent == 0
            ? nil
            : "\(Readable.count(report.resent, "record")) came a second time, after a relay had died: their stamps tell, "
                + "and no reader took notice."
        let orders = Readable.count(report.orders, "order")
        let judged = report.judgedAt.flatMap(Timestamp.init(rfc3339:))?.millisecondsSince1970 ?? 0
        let isOld = now.millisecondsSince1970 - judged > Self.fresh
        let age = isOld ? report.judgedAt.map { " Judged at \(Readable.clock($0)) (UTC)." } ?? "" : ""
        let underWay = report.underWay == 0 ? "" : " \(report.underWay.grouped()) under way, not judged yet."
        let verdict =
            wrong.isEmpty
            ? "\(orders) audited: nothing lost, invented, doubled or out of order.\(underWay)"
            : "\(orders) audited, and something is wrong with \(Readable.count(wrong.count, "order")).\(underWay)"
        if let waits = report.waitsFor {
            (tone, mark) = ("flowing", "→")
            let known = report.judgedAt.map { " As of \(Readable.clock($0)) (UTC): \(verdict)" } ?? ""
            sentence = "The audit waits: \(waits).\(known)"
        } else {
            (tone, mark) = wrong.isEmpty ? ("calm", "✓") : ("broken", "✕")
            sentence = verdict + age
        }
    }

    /// What is wrong, order by order; what is rare and worse than a loss first.
    private static func wrong(_ findings: [AuditReport.Entry]) -> [(order: String, findings: [AuditReport.Entry])] {
        var orders: [String] = []
        var found: [String: [AuditReport.Entry]] = [:]
        for finding in findings {
            if found[finding.order] == nil { orders.append(finding.order) }
            found[finding.order, default: []].append(finding)
        }
        let all = orders.map { (order: $0, findings: found[$0] ?? []) }
        func isLoss(_ findings: [AuditReport.Entry]) -> Bool { findings.allSatisfy { $0.kind == .lost } }
        return all.filter { !isLoss($0.findings) } + all.filter { isLoss($0.findings) }
    }

    /// The first finding in full, and where else the same is seen.
    private static func text(_ findings: [AuditReport.Entry]) -> String {
        let first = findings[0]
        var others: [String] = []
        for other in findings.dropFirst() {
            let words = (other.kind == first.kind ? "" : "\(other.kind.rawValue), ") + name(other.subject)
            if !others.contains(words), words != name(first.subject) { others.append(words) }
        }
        return "\(first.kind.rawValue), \(name(first.subject)): \(first.explanation)"
            + (others.isEmpty ? "" : " (so, too: \(others.joined(separator: "; ")))")
    }

    /// What it is that something is wrong with.
    static func name(_ subject: String) -> String {
        switch subject {
        case "topic": "event in the topic"
        case "shipping": "shipment"
        case "invoicing": "invoice"
        default: subject
        }
    }
}

extension AuditView.Row {
    init(_ subject: AuditReport.Subject) {
        let counts = [
            ("lost", subject.lost), ("ghost", subject.ghost), ("doubled", subject.doubled),
            ("reordered", subject.reordered),
        ]
        let names = ["topic": "Events in the topic", "shipping": "Shipments", "invoicing": "Invoices"]
        self.init(
            name: names[subject.name] ?? Readable.title(subject.name),
            cells: counts.map { Cell(label: $0.0, count: $0.1.grouped(), isWrong: $0.1 > 0) },
            behind: subject.behind.grouped(), isBehind: subject.behind > 0)
    }
}

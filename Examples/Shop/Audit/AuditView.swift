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

    /// So many findings are named; the JSON has all.
    private static let shown = 12

    let tone: String
    let mark: String
    let sentence: String
    let rows: [Row]
    let entries: [Entry]
    let more: String?
    let resent: String?
    let hasJudged: Bool

    init(_ report: AuditReport) {
        hasJudged = report.judgedAt != nil
        rows = report.subjects.map(Row.init)
        let wrong = report.findings.map(\.order)
        entries = report.findings.prefix(Self.shown).map { entry in
            Entry(order: entry.order, text: "\(entry.kind.rawValue), \(Self.name(entry.subject)): \(entry.explanation)")
        }
        let rest = report.findings.count - entries.count
        more = rest > 0 ? "and \(rest.grouped()) more" : nil
        resent =
            report.resent == 0
            ? nil
            : "\(Readable.count(report.resent, "record")) came a second time, after a relay had died: their stamps tell, "
                + "and no reader took notice."
        let orders = Readable.count(report.orders, "order")
        let underWay = report.underWay == 0 ? "" : " \(report.underWay.grouped()) under way, not judged yet."
        if let waits = report.waitsFor {
            (tone, mark) = ("flowing", "→")
            sentence = "The audit waits: \(waits). What stands below was judged before."
        } else if report.isClean {
            (tone, mark) = ("calm", "✓")
            sentence = "\(orders) audited: nothing lost, invented, doubled or out of order.\(underWay)"
        } else {
            (tone, mark) = ("broken", "✕")
            let count = Set(wrong).count
            sentence =
                "\(orders) audited, and something is wrong with \(Readable.count(count, "order")); the list says "
                + "what.\(underWay)"
        }
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

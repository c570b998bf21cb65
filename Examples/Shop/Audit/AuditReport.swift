import TidingsAudit

/// What the running audit has to say, as `GET /audit` tells it.
struct AuditReport: Encodable, Sendable, Equatable {
    /// The topic, or one reader of it.
    struct Subject: Encodable, Sendable, Equatable {
        var name: String
        var lost: Int
        var ghost: Int
        var doubled: Int
        var reordered: Int
        /// Events that are on their way to it, and so are not judged yet.
        var behind: Int
        var findings: [Finding] = []

        enum CodingKeys: String, CodingKey {
            case name, lost, ghost, doubled, reordered, behind
        }

        init(_ name: String, _ findings: [Finding], behind: Int = 0) {
            func count(_ kind: Finding.Kind) -> Int { findings.count { $0.kind == kind } }
            self.name = name
            (lost, ghost, doubled, reordered) = (count(.lost), count(.ghost), count(.doubled), count(.reordered))
            self.behind = behind
            self.findings = findings
        }

        var isClean: Bool { findings.isEmpty }
    }

    /// Something that is wrong, and with which order.
    struct Entry: Encodable, Sendable, Equatable {
        var kind: Finding.Kind
        var order: String
        /// `topic`, or the reader whose effect it is.
        var subject: String
        var explanation: String
    }

    /// Orders that were ever accepted.
    var orders = 0
    /// Orders that may still be on their way into the topic, or into the database.
    var underWay = 0
    /// Records that came a second time because a relay died; their stamps tell, and readers ignore them.
    var resent = 0
    var subjects: [Subject] = []
    var findings: [Entry] = []
    /// When it was judged, in UTC; nil before the first time.
    var judgedAt: String?
    /// What could not be asked, so that the judgement is an older one; nil when all is well.
    var waitsFor: String?

    var isClean: Bool { findings.isEmpty }
}

import Tidings

/// One thing that is wrong in a history.
public struct Finding: Hashable, Sendable, Codable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// The action is committed, and the event or effect never came.
        case lost
        /// There is an event or effect, and no action was committed.
        case ghost
        /// There is more than one.
        case doubled
        /// It came after a later one of its key.
        case reordered
    }

    /// What is wrong.
    public var kind: Kind

    /// With which event.
    public var event: EventID

    /// Whose effect it is; nil when it is the event itself, in Kafka.
    public var reader: String?

    /// The circumstances in words.
    public var explanation: String

    /// A finding of a kind.
    public init(_ kind: Kind, _ event: EventID, reader: String? = nil, _ explanation: String) {
        self.kind = kind
        self.event = event
        self.reader = reader
        self.explanation = explanation
    }

    public var description: String {
        let subject = reader.map { "effect of \(event) at \($0)" } ?? "event \(event)"
        return "\(kind.rawValue) \(subject): \(explanation)"
    }
}

/// What a checker has to say about a history.
public struct Verdict: Hashable, Sendable, Codable, CustomStringConvertible {
    /// All that is wrong; empty when all is well.
    public var findings: [Finding]

    /// A verdict of these findings.
    public init(_ findings: [Finding]) {
        self.findings = findings
    }

    /// Nothing is lost, ghost, doubled or reordered.
    public var isClean: Bool { findings.isEmpty }

    /// The events of a kind of finding, in Kafka itself.
    public func events(_ kind: Finding.Kind) -> [EventID] {
        findings.filter { $0.kind == kind && $0.reader == nil }.map(\.event)
    }

    /// The events whose effect at a reader is of a kind of finding.
    public func effects(_ kind: Finding.Kind, at reader: String) -> [EventID] {
        findings.filter { $0.kind == kind && $0.reader == reader }.map(\.event)
    }

    /// How many findings of a kind, events and effects together.
    public func count(_ kind: Finding.Kind) -> Int {
        findings.count { $0.kind == kind }
    }

    public var description: String {
        let counts = Finding.Kind.allCases.map { "\($0.rawValue) \(count($0))" }.joined(separator: ", ")
        return ([counts] + findings.map(\.description)).joined(separator: "\n")
    }
}

/// What was found when a partition's log was opened, and what was done about it.
public struct RecoveryReport: Hashable, Sendable, CustomStringConvertible {
    /// How the log was found.
    public enum Verdict: Hashable, Sendable {
        /// There was none; it was made.
        case created
        /// It had been closed properly.
        case clean
        /// It had not; what could have been written last was read and checked.
        case recovered
    }

    /// Bytes that were cut off the end of the newest segment: a write that a crash interrupted.
    public struct Cut: Hashable, Sendable {
        public var path: String
        public var position: Int64
        public var bytes: Int64
        public var reason: String
    }

    /// How the log was found.
    public var verdict: Verdict
    /// The partition's directory.
    public var directory: String
    /// Where the log ends.
    public var logEndOffset: Int64 = 0
    /// Segments whose every batch was read and its checksum compared.
    public var segmentsChecked = 0
    /// Batches whose checksum was compared.
    public var batchesChecked = 0
    /// The torn tail, if there was one.
    public var cut: Cut?
    /// Smaller things: an index built anew, a damaged snapshot passed over.
    public var notes: [String] = []

    public init(verdict: Verdict, directory: String) {
        self.verdict = verdict
        self.directory = directory
    }

    /// Whether a person might want to read about it.
    public var isNoteworthy: Bool { cut != nil || !notes.isEmpty }

    public var description: String {
        var parts: [String] = []
        switch verdict {
        case .created: parts.append("created")
        case .clean: parts.append("was closed properly")
        case .recovered:
            parts.append("was not closed properly; checked \(batchesChecked) batches in \(segmentsChecked) segments")
        }
        if let cut {
            parts.append(
                "cut \(cut.bytes) bytes of an unfinished write off \(cut.path) at \(cut.position): \(cut.reason)")
        }
        parts += notes
        return "\(directory): \(parts.joined(separator: "; ")); ends at offset \(logEndOffset)"
    }
}

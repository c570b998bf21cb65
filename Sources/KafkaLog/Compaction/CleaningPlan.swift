/// What to clean of a log, and whether it is worth it: pure, no I/O.
///
///     0         cleanEnd              end                     log end
///     |  clean  |        dirty        |  not to be touched yet  |
///
/// The dirty part ends before the newest segment, before the first record whose transaction is not decided, and before
/// the first segment with a record younger than `min.compaction.lag.ms`.
struct CleaningPlan: Equatable {
    /// What is to be known of a segment.
    struct Segment: Equatable {
        var base: Int64
        /// Where the next segment begins.
        var end: Int64
        var size: Int64
        /// The newest timestamp in it; -1 when there is none.
        var maxTimestamp: Int64
    }

    /// The state of a log that is not closed or broken.
    struct Facts {
        /// All but the newest, ascending.
        var closed: [Segment]
        var logStartOffset: Int64
        var lastStableOffset: Int64
        var cleanEnd: Int64
        /// The oldest of the dirty segments' first timestamps, as far as it is known; for `max.compaction.lag.ms`.
        var oldestDirtyTimestamp: Int64?
        /// Milliseconds since 1970.
        var now: Int64
    }

    var cleanEnd: Int64
    var end: Int64
    var segments: [Segment]
    /// The dirty part's share of the bytes up to `end`.
    var dirtyRatio: Double
    /// Whether it has to be cleaned whatever the ratio: a record has waited for longer than `max.compaction.lag.ms`.
    var isOverdue: Bool

    /// `nil` when there is nothing to clean.
    init?(_ facts: Facts, _ configuration: LogConfiguration) {
        let logEnd = facts.closed.last?.end ?? 0
        // A checkpoint outside of the log says nothing.
        let known = facts.cleanEnd <= logEnd ? facts.cleanEnd : 0
        cleanEnd = max(known, facts.logStartOffset)
        segments = []
        var clean: Int64 = 0
        var dirty: Int64 = 0
        for segment in facts.closed {
            guard segment.end <= facts.lastStableOffset else { break }
            let isDirty = segment.end > cleanEnd
            if isDirty, Self.isYoung(segment, facts.now, configuration) { break }
            segments.append(segment)
            if isDirty { dirty += segment.size } else { clean += segment.size }
        }
        guard dirty > 0, let last = segments.last else { return nil }
        end = last.end
        dirtyRatio = Double(dirty) / Double(clean + dirty)
        let age = facts.oldestDirtyTimestamp.map { facts.now - $0 } ?? 0
        isOverdue = age > configuration.maxCompactionLagMilliseconds
    }

    private static func isYoung(_ segment: Segment, _ now: Int64, _ configuration: LogConfiguration) -> Bool {
        configuration.minCompactionLagMilliseconds > 0
            && segment.maxTimestamp > now - configuration.minCompactionLagMilliseconds
    }

    /// Whether to clean now.
    func isDue(_ configuration: LogConfiguration) -> Bool {
        isOverdue || dirtyRatio > configuration.minCleanableDirtyRatio
    }

    /// Neighbours that become one segment: their bytes fit into `segmentBytes` and their offsets into 32 bits.
    ///
    /// - Parameter end: segments from there on are left alone.
    func groups(before end: Int64, segmentBytes: Int) -> [[Segment]] {
        var groups: [[Segment]] = []
        var size: Int64 = 0
        for segment in segments where segment.base < end {
            let first = groups.last?.first
            let fits = size + segment.size <= Int64(segmentBytes)
            if let first, fits, segment.end - 1 - first.base <= Int64(Int32.max) {
                groups[groups.count - 1].append(segment)
                size += segment.size
            } else {
                groups.append([segment])
                size = segment.size
            }
        }
        return groups
    }
}

import NIOCore
import Synchronization

extension PartitionLog {
    /// What the name of a directory ends in that is being deleted.
    public static let deletedSuffix = ".deleted"

    /// Removes what `retentionMilliseconds` and `retentionBytes` no longer ask to keep, whole segments at a time. To be
    /// called now and then, every few minutes.
    ///
    /// A newest segment whose records are all too old is closed first. Records without any timestamp do not age.
    /// - Returns: how many segments went.
    @discardableResult
    public func applyRetention() throws(LogError) -> Int {
        try writer.withLock { writer throws(LogError) in
            try check(writer)
            if writer.position > 0, isExpired(writer.segment) { try roll(&writer) }
            let recoveryPoint = writer.recoveryPoint
            return try layout.withLock { _ throws(LogError) in
                let segments = published.withLock { $0.segments }
                let count = countOfOld(segments)
                let start = max(segments[count].baseOffset, logStartOffset)
                if count > 0 { try removeSegments(count, newStart: start, recoveryPoint) }
                return count
            }
        }
    }

    /// Forgets producers that have been silent for `producerExpirationMilliseconds` and have no transaction open: whatever
    /// sequence they come with later is taken. To be called now and then.
    public func forgetSilentProducers() {
        _ = writer.withLock { writer in
            writer.producers.expire(now: now(), after: configuration.producerExpirationMilliseconds)
        }
    }

    /// The producers that are remembered, in order of their ids.
    public var activeProducers: [ActiveProducer] {
        writer.withLock { writer in
            writer.producers.producers.sorted { $0.key < $1.key }.map { id, producer in
                ActiveProducer(
                    id: id, epoch: producer.epoch, lastSequence: producer.lastSequence ?? -1,
                    lastTimestamp: producer.batches.last?.timestamp ?? producer.lastSeen,
                    transactionStart: writer.producers.open[id])
            }
        }
    }

    /// How many of the oldest segments are too old or too much.
    private func countOfOld(_ segments: [LogSegment]) -> Int {
        var kept = segments.reduce(Int64(0)) { $0 + $1.size }
        var count = 0
        for segment in segments.dropLast() {
            let isTooMuch = configuration.retentionBytes >= 0 && kept - segment.size >= configuration.retentionBytes
            guard isTooMuch || isExpired(segment) else { break }
            kept -= segment.size
            count += 1
        }
        return count
    }

    /// Moves the log start offset forward, and removes the segments wholly before it.
    ///
    /// - Throws: `LogError` `.offsetOutOfRange` when the offset is behind the high watermark; one before the log start
    ///   changes nothing.
    public func deleteRecords(before offset: Int64) throws(LogError) {
        try writer.withLock { writer throws(LogError) in
            try check(writer)
            let view = published.withLock { $0 }
            guard offset <= highWatermark(view) else {
                throw LogError(.offsetOutOfRange, "offset \(offset) is behind the high watermark of \(directory)")
            }
            guard offset > view.logStartOffset else { return }
            let recoveryPoint = writer.recoveryPoint
            try layout.withLock { _ throws(LogError) in
                let count = Self.index(of: offset, in: published.withLock { $0.segments })
                try removeSegments(count, newStart: offset, recoveryPoint)
            }
        }
    }

    private func isExpired(_ segment: LogSegment) -> Bool {
        let newest = segment.maxTimestamp.timestamp
        guard configuration.retentionMilliseconds >= 0, newest >= 0 else { return false }
        return now() - newest > configuration.retentionMilliseconds
    }

    /// Removes the oldest segments. The new start is durable before a file goes, so that an interrupted removal is
    /// finished at the next opening and never looks like a loss.
    private func removeSegments(_ count: Int, newStart: Int64, _ recoveryPoint: Int64) throws(LogError) {
        let checkpoint = LogCheckpoint(recoveryPoint: recoveryPoint, logStartOffset: newStart)
        try storing { () throws(FileError) in try partition.checkpoint.write(checkpoint.payload()) }
        let removed = published.withLock { published in
            published.logStartOffset = newStart
            defer { published.segments.removeFirst(count) }
            return published.segments.prefix(count)
        }
        for segment in removed { try storing { () throws(FileError) in try segment.remove() } }
    }

    /// Closes the log and deletes its directory for good.
    public func delete() throws(LogError) {
        stopCleaning()
        writer.withLock { $0.isClosed = true }
        published.withLock { $0.isClosed = true }
        try Self.delete(directory: directory, files: files)
    }

    /// Deletes a partition's directory: renames it to `*.deleted`, which is durable and final, then removes it.
    ///
    /// A crash in between leaves a `*.deleted` directory for `finishDeletions`.
    public static func delete(directory: String, files: any FileSystem = PosixFileSystem()) throws(LogError) {
        let doomed = sideName(of: directory, suffix: deletedSuffix)
        let parent = parentDirectory(of: directory)
        try storing { () throws(FileError) in
            try files.rename(directory, to: doomed)
            try files.syncDirectory(parent)
            try files.removeTree(doomed)
        }
    }

    /// Removes what interrupted deletions left in a directory of partitions; to be called before opening them.
    public static func finishDeletions(in parent: String, files: any FileSystem = PosixFileSystem()) throws(LogError) {
        try storing { () throws(FileError) in
            for name in try files.list(parent) where name.hasSuffix(deletedSuffix) {
                try files.removeTree("\(parent)/\(name)")
            }
        }
    }
}

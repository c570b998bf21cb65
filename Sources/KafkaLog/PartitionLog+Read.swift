import KafkaProtocol
import NIOCore
import Synchronization

/// A record that a look-up found.
public struct FoundOffset: Hashable, Sendable {
    /// Its offset.
    public var offset: Int64
    /// Its timestamp in milliseconds since 1970.
    public var timestamp: Int64

    public init(offset: Int64, timestamp: Int64) {
        self.offset = offset
        self.timestamp = timestamp
    }
}

extension PartitionLog {
    /// Whole batches, as they are on the disk, from the one that holds `offset` on (it may begin before it).
    ///
    /// - Parameters:
    ///   - maxBytes: the most bytes to return.
    ///   - upTo: return only records before this offset; the high watermark by default.
    ///   - minOneBatch: return the first batch even if it is larger than `maxBytes`.
    /// - Returns: one buffer, read in one go and not copied again; empty at the end, or when not one batch fits. One
    ///   call does not cross a segment's end.
    /// - Throws: `LogError` `.offsetOutOfRange` before the start or behind the end, `.damaged` when what is there is no
    ///   batch, `.storage`, `.closed`.
    public func read(
        from offset: Int64, maxBytes: Int, upTo: Int64? = nil, minOneBatch: Bool = true
    ) throws(LogError) -> ByteBuffer {
        let (view, limit) = try view(upTo: upTo)
        guard offset >= view.logStartOffset, offset <= view.logEndOffset else {
            throw LogError(
                .offsetOutOfRange,
                "offset \(offset) is not within \(view.logStartOffset) to \(view.logEndOffset) of \(directory)")
        }
        guard offset < limit else { return ByteBuffer() }
        for segment in view.segments[Self.index(of: offset, in: view.segments)...] {
            do {
                let records = try segment.read(
                    from: offset, maxBytes: maxBytes, before: limit, minOneBatch: minOneBatch)
                if let records { return records }
            } catch let error where logStartOffset > offset {
                // The segment was deleted meanwhile.
                throw LogError(.offsetOutOfRange, "offset \(offset) of \(directory) was deleted", cause: error)
            }
        }
        return ByteBuffer()
    }

    /// Whether records from an offset up to an end lie in more than one segment, so that one `read` does not bring all.
    public func isRolled(from offset: Int64, to end: Int64) -> Bool {
        guard offset < end else { return false }
        let segments = published.withLock { $0.segments }
        return Self.index(of: offset, in: segments) < Self.index(of: end, in: segments)
    }

    /// The first record with a timestamp of at least `timestamp`, before `upTo` (the high watermark by default); `nil`
    /// when there is none. Only batches that may hold it are opened.
    ///
    /// It relies on the largest timestamp that producers state in their batches' headers.
    public func offset(forTimestamp timestamp: Int64, upTo: Int64? = nil) throws(LogError) -> FoundOffset? {
        let (view, limit) = try view(upTo: upTo)
        for segment in view.segments where segment.baseOffset < limit {
            let found = try segment.firstRecord(
                withTimestamp: timestamp, from: view.logStartOffset, before: limit,
                maxDecompressedBytes: configuration.maxDecompressedBytes)
            if let found { return FoundOffset(offset: found.offset, timestamp: found.timestamp) }
        }
        return nil
    }

    /// The first record with the largest timestamp, of those that can be read before `upTo` (the high watermark by default);
    /// `nil` when none has one.
    public func offsetOfMaxTimestamp(upTo: Int64? = nil) throws(LogError) -> FoundOffset? {
        let (view, limit) = try view(upTo: upTo)
        var found: LogSegment.Found?
        // The segment with the largest timestamp first; what it claims may be of records that are gone.
        for segment in view.segments.sorted(by: { $0.maxTimestamp.timestamp > $1.maxTimestamp.timestamp }) {
            guard segment.maxTimestamp.timestamp >= found?.timestamp ?? 0 else { break }
            let own = try segment.recordWithMaxTimestamp(
                from: view.logStartOffset, before: limit, maxDecompressedBytes: configuration.maxDecompressedBytes)
            guard let own, (own.timestamp, -own.offset) > (found?.timestamp ?? -1, -(found?.offset ?? 0)) else {
                continue
            }
            found = own
        }
        return found.map { FoundOffset(offset: $0.offset, timestamp: $0.timestamp) }
    }

    private func view(upTo: Int64?) throws(LogError) -> (Published, limit: Int64) {
        let view = published.withLock { $0 }
        guard !view.isClosed else { throw LogError(.closed, "\(directory) is closed") }
        return (view, min(upTo ?? highWatermark(view), view.logEndOffset))
    }

    /// The last segment that begins at or before an offset.
    static func index(of offset: Int64, in segments: [LogSegment]) -> Int {
        var low = 0
        var high = segments.count
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if segments[middle].baseOffset <= offset { low = middle } else { high = middle }
        }
        return low
    }
}

import KafkaProtocol
import NIOCore

/// Looking up and reading: by offset, by timestamp, whole batches at a time.
extension LogSegment {
    /// How much a look-up reads at once while it walks from an index entry to its target.
    private static let lookUpWindow = 8192

    /// A record that a look-up found.
    struct Found: Hashable {
        var offset: Int64
        var timestamp: Int64
    }

    /// Whole batches from the one that holds `offset` on (it may begin before it), before `end`, in one buffer.
    ///
    /// - Parameters:
    ///   - maxBytes: the most bytes; the first batch is exempt when `minOneBatch` is set.
    ///   - end: batches that reach to this offset or behind it are left out.
    /// - Returns: `nil` when the segment has no batch at or behind `offset`.
    func read(
        from offset: Int64, maxBytes: Int, before end: Int64, minOneBatch: Bool
    ) throws(LogError) -> ByteBuffer? {
        let file = try storing { () throws(FileError) in try self.file() }
        guard let first = try locate(offset) else { return nil }
        guard first.header.lastOffset < end else { return ByteBuffer() }
        let size = size
        let wanted = minOneBatch ? max(maxBytes, first.header.totalSize) : maxBytes
        let available = Int(min(Int64(max(0, wanted)), size - first.position))
        guard available >= first.header.totalSize else { return ByteBuffer() }

        var buffer = try storing { () throws(FileError) in try file.read(available, at: first.position) }
        var kept = first.header.totalSize
        var next = first.header.lastOffset + 1
        while buffer.readableBytes - kept >= RecordBatchHeader.size {
            let header = try header(in: buffer, at: kept, fileOffset: first.position)
            guard kept + header.totalSize <= buffer.readableBytes, header.lastOffset < end else { break }
            kept += header.totalSize
            next = header.lastOffset + 1
        }
        remember(offset: next, position: first.position + Int64(kept))
        buffer.moveWriterIndex(to: buffer.readerIndex + kept)
        return buffer
    }

    private func header(in buffer: ByteBuffer, at index: Int, fileOffset: Int64) throws(LogError) -> RecordBatchHeader {
        let header: RecordBatchHeader
        do {
            header = try RecordBatchHeader(parsing: buffer, at: buffer.readerIndex + index)
        } catch {
            throw damage(at: fileOffset + Int64(index), "no batch begins here", error)
        }
        guard header.baseOffset >= baseOffset, header.lastOffset >= header.baseOffset else {
            throw damage(at: fileOffset + Int64(index), "the offsets make no sense")
        }
        return header
    }

    /// The first batch whose last offset is at or behind `offset`.
    func locate(_ offset: Int64) throws(LogError) -> BatchWalker.Place? {
        let (size, index, _, hint) = snapshot()
        if let hint, hint.offset == offset, let place = try walk(from: hint.position, to: size, until: offset) {
            return place
        }
        let relative = Int32(clamping: offset - baseOffset)
        let entry = try storing { () throws(FileError) in try index.last { $0.relativeOffset <= relative } }
        if let entry, entry.position >= 0, Int64(entry.position) < size {
            var walker = try walker(from: Int64(entry.position), to: size)
            let first = try storing { () throws(FileError) in try walker.next() }
            // An index is a hint: the batch there must be the one that the entry names.
            if case .batch(let place) = first, place.header.lastOffset == baseOffset + Int64(entry.relativeOffset) {
                return place.header.lastOffset >= offset ? place : try walk(&walker, until: offset)
            }
        }
        return try walk(from: 0, to: size, until: offset)
    }

    private func walker(from position: Int64, to size: Int64) throws(LogError) -> BatchWalker {
        let file = try storing { () throws(FileError) in try self.file() }
        return BatchWalker(file: file, from: position, to: size, windowSize: Self.lookUpWindow)
    }

    private func walk(
        from position: Int64, to size: Int64, until offset: Int64
    ) throws(LogError) -> BatchWalker.Place? {
        var walker = try walker(from: position, to: size)
        return try walk(&walker, until: offset)
    }

    private func walk(_ walker: inout BatchWalker, until offset: Int64) throws(LogError) -> BatchWalker.Place? {
        while let place = try step(&walker) {
            if place.header.lastOffset >= offset { return place }
        }
        return nil
    }

    /// The next batch; `nil` at the end.
    private func step(_ walker: inout BatchWalker) throws(LogError) -> BatchWalker.Place? {
        switch try storing({ () throws(FileError) in try walker.next() }) {
        case .batch(let place): return place
        case .end: return nil
        case .bad(let position, let reason): throw damage(at: position, reason)
        }
    }

    func damage(at position: Int64, _ reason: String, _ cause: (any Error)? = nil) -> LogError {
        LogError(.damaged, "\(logPath) is damaged at position \(position): \(reason)", cause: cause)
    }

    /// Whether the last entry of the time index, which stands for the whole segment, names a batch with that timestamp.
    /// A segment without any timestamp is never plausible: its index is cheap to build and rare.
    var hasPlausibleTimeIndex: Bool {
        let (timestamp, offset) = maxTimestamp
        guard timestamp >= 0 else { return size == 0 }
        guard let place = try? locate(offset) else { return false }
        return place.header.lastOffset == offset && place.header.maxTimestamp == timestamp
    }

    /// The first record at or behind `start` and before `end` with a timestamp of at least `timestamp`.
    ///
    /// Batches whose header says that all their timestamps are earlier are passed over; the others are opened.
    func firstRecord(
        withTimestamp timestamp: Int64, from start: Int64, before end: Int64, maxDecompressedBytes: Int
    ) throws(LogError) -> Found? {
        let (size, _, timeIndex, _) = snapshot()
        guard maxTimestamp.timestamp >= timestamp else { return nil }
        let entry = try storing { () throws(FileError) in try timeIndex.last { $0.timestamp < timestamp } }
        let earliest = max(start, entry.map { baseOffset + Int64($0.relativeOffset) + 1 } ?? start)
        guard let first = try locate(earliest) else { return nil }
        var walker = try walker(from: first.position, to: size)
        while let place = try step(&walker), place.header.baseOffset < end {
            guard place.header.maxTimestamp >= timestamp, place.header.lastOffset >= start else { continue }
            let found = try record(in: place, walker, maxDecompressedBytes) { record in
                record.timestamp >= timestamp && record.offset >= start && record.offset < end
            }
            if let found { return found }
        }
        return nil
    }

    /// The first record with the largest timestamp of those at or behind `start` and before `end`.
    func recordWithMaxTimestamp(
        from start: Int64, before end: Int64, maxDecompressedBytes: Int
    ) throws(LogError) -> Found? {
        let (timestamp, offset) = maxTimestamp
        guard timestamp >= 0 else { return nil }
        if let place = try locate(offset), place.header.recordCount > 0,
            place.header.baseOffset >= start, place.header.lastOffset < end
        {
            return try newestRecord(in: place, from: start, before: end, maxDecompressedBytes)
        }
        // A cleaning took the records and left the batch, for the segment's age only; or they are outside the bounds.
        var walker = try walker(from: 0, to: size)
        var newest: Found?
        while let place = try step(&walker), place.header.baseOffset < end {
            guard place.header.recordCount > 0, place.header.lastOffset >= start,
                place.header.maxTimestamp > newest?.timestamp ?? -1
            else { continue }
            let found = try newestRecord(in: place, from: start, before: end, maxDecompressedBytes)
            if let found, found.timestamp > newest?.timestamp ?? -1 { newest = found }
        }
        return newest
    }

    private func newestRecord(
        in place: BatchWalker.Place, from start: Int64, before end: Int64, _ maxDecompressedBytes: Int
    ) throws(LogError) -> Found? {
        let walker = try walker(from: place.position, to: size)
        var newest: Found?
        _ = try record(in: place, walker, maxDecompressedBytes) { record in
            if record.offset >= start, record.offset < end, record.timestamp > newest?.timestamp ?? -1 {
                newest = record
            }
            return newest?.timestamp == place.header.maxTimestamp
        }
        return newest
    }

    private func record(
        in place: BatchWalker.Place, _ walker: BatchWalker, _ maxDecompressedBytes: Int,
        where matches: (Found) -> Bool
    ) throws(LogError) -> Found? {
        let bytes = try storing { () throws(FileError) in try walker.bytes(of: place) }
        if place.header.timestampType == .logAppendTime {
            // All records share the header's timestamp.
            let first = Found(offset: place.header.baseOffset, timestamp: place.header.maxTimestamp)
            let count = Int64(place.header.recordCount)
            guard count == Int64(place.header.lastOffsetDelta) + 1 else {
                return try opened(bytes, place, maxDecompressedBytes, where: matches)
            }
            return (0..<count).lazy
                .map { Found(offset: first.offset + $0, timestamp: first.timestamp) }.first(where: matches)
        }
        return try opened(bytes, place, maxDecompressedBytes, where: matches)
    }

    private func opened(
        _ bytes: ByteBuffer, _ place: BatchWalker.Place, _ maxDecompressedBytes: Int, where matches: (Found) -> Bool
    ) throws(LogError) -> Found? {
        do {
            var reader = try RecordBatchReader(bytes, decompressionLimit: maxDecompressedBytes)
            while let record = try reader.next() {
                let found = Found(offset: record.offset, timestamp: record.timestamp)
                if matches(found) { return found }
            }
            return nil
        } catch {
            throw damage(at: place.position, "the batch cannot be opened", error)
        }
    }
}

import KafkaProtocol
import NIOCore

/// Checking one segment.
extension LogRecovery {
    /// Where a walk through a segment ended.
    private struct Walked {
        var position: Int64
        var nextOffset: Int64
        /// Why it ended before the end of the file.
        var fault: Fault?
    }

    private struct Fault {
        var position: Int64
        var reason: String
        /// The batch is whole and its checksum right, but it does not belong there: no crash leaves that.
        var isWholeBatch = false
    }

    /// A segment with others behind it.
    mutating func closedSegment(_ base: Int64, next: Int64, isTrusted: Bool) throws(LogError) -> LogSegment {
        if isTrusted, let segment = try trusted(base, next: next), segment.hasPlausibleTimeIndex { return segment }
        let segment = try open(base, .read)
        if !isTrusted { try settle(segment) }
        let size = try storing { () throws(FileError) in try segment.file().size() }
        let walked = try walk(segment, size: size, isNewest: false)
        if let fault = walked.fault { throw segment.damage(at: fault.position, fault.reason) }
        guard walked.nextOffset <= next, base < holeEnd || walked.nextOffset == next else {
            throw segment.damage(at: size, "it ends at offset \(walked.nextOffset), the next segment begins at \(next)")
        }
        segment.seal(try storing { () throws(FileError) in try segment.writePositionIndexes() })
        if isTrusted { report.notes.append("built the index of \(LogSegment.name(base)) anew") }
        return segment
    }

    /// A segment below the recovery point: its index is taken, if it leads to the segment's end.
    private func trusted(_ base: Int64, next: Int64) throws(LogError) -> LogSegment? {
        let paths = try open(base, .read)
        return try storing { () throws(FileError) in
            let size = try paths.file().size()
            guard let offsets = try SegmentIndex<OffsetIndexEntry>.opened(paths.indexPath, files: files),
                let times = try SegmentIndex<TimeIndexEntry>.opened(paths.timeIndexPath, files: files)
            else { return nil }
            let last = try offsets.last()
            if let last, last.position < 0 || Int64(last.position) >= size { return nil }
            let start = Int64(last?.position ?? 0)
            var walker = BatchWalker(file: try paths.file(), from: start, to: size, windowSize: Self.windowSize)
            var end = base
            var isFirst = true
            while case .batch(let place) = try walker.next() {
                if isFirst, let last, place.header.lastOffset != base + Int64(last.relativeOffset) { return nil }
                isFirst = false
                end = place.header.lastOffset + 1
            }
            guard walker.position == size, end <= next, base < holeEnd || end == next else { return nil }
            return try LogSegment(
                baseOffset: base, directory: directory, files: files, indexInterval: configuration.indexIntervalBytes,
                size: size, endOffset: end, offsetIndex: offsets, timeIndex: times)
        }
    }

    /// The segment that is appended to, and the offset that comes next.
    mutating func newestSegment(
        _ base: Int64, shutdown: CleanShutdown?
    ) throws(LogError) -> (LogSegment, Int64) {
        let segment = try open(base, .write)
        let file = try storing { () throws(FileError) in try segment.file() }
        if report.verdict == .recovered { try settle(segment) }
        let size = try storing { () throws(FileError) in try file.size() }
        if let shutdown, shutdown.segment == base, shutdown.segmentSize == size {
            let loaded = try storing { () throws(FileError) in try segment.load(size: size) }
            if loaded, segment.endOffset == shutdown.logEndOffset, segment.hasPlausibleTimeIndex {
                return (segment, shutdown.logEndOffset)
            }
            report.notes.append("built the index of \(LogSegment.name(base)) anew")
        }
        let anew = try open(base, .write)
        let walked = try walk(anew, size: size, isNewest: true)
        if let fault = walked.fault {
            try judge(fault, in: anew, file: file, size: size, nextOffset: walked.nextOffset)
            try storing { () throws(FileError) in try file.truncate(to: walked.position) }
            report.cut = RecoveryReport.Cut(
                path: anew.logPath, position: walked.position, bytes: size - walked.position, reason: fault.reason)
        }
        if report.verdict != .created {
            try storing { () throws(FileError) in
                try anew.file().sync()
                try files.syncDirectory(directory)
            }
        }
        return (anew, walked.nextOffset)
    }

    /// Makes sure that what is read next is on the disk. After a failed sync the system goes on showing, from memory, bytes
    /// that it could not write; taking those for the log would promise what the next power cut takes.
    private func settle(_ segment: LogSegment) throws(LogError) {
        do throws(FileError) {
            let file = try segment.file()
            try file.sync()
            file.dropCached()
        } catch {
            throw LogError(
                .storage,
                "\(segment.logPath): what was written before the last stop cannot be brought to the disk, so nobody knows "
                    + "what it holds; look after the disk and start again", cause: error)
        }
    }

    /// Returns if the bytes from a fault on are a torn tail; throws if they are not.
    private func judge(
        _ fault: Fault, in segment: LogSegment, file: any StorageFile, size: Int64, nextOffset: Int64
    ) throws(LogError) {
        guard !fault.isWholeBatch else { throw segment.damage(at: fault.position, fault.reason) }
        guard nextOffset >= knownEnd else {
            throw segment.damage(
                at: fault.position, "\(fault.reason); everything up to offset \(knownEnd) was on the disk already")
        }
        let search = BatchSearch(file: file, end: size, nextOffset: nextOffset)
        let behind = try storing { () throws(FileError) in try search.firstBatch(from: fault.position + 1) }
        if let behind {
            throw segment.damage(at: fault.position, "\(fault.reason); a valid batch follows at \(behind)")
        }
    }

    private func open(_ base: Int64, _ mode: OpenMode) throws(LogError) -> LogSegment {
        try storing { () throws(FileError) in
            let file = try files.open("\(directory)/\(LogSegment.name(base)).log", mode)
            return LogSegment(
                baseOffset: base, directory: directory, file: file, files: files,
                indexInterval: configuration.indexIntervalBytes)
        }
    }

    /// Reads a segment batch by batch, comparing checksums, and tells the segment what it holds.
    private mutating func walk(_ segment: LogSegment, size: Int64, isNewest: Bool) throws(LogError) -> Walked {
        let file = try storing { () throws(FileError) in try segment.file() }
        var walker = BatchWalker(file: file, from: 0, to: size, windowSize: Self.windowSize)
        var expected = segment.baseOffset
        report.segmentsChecked += 1
        while true {
            let step = try storing { () throws(FileError) in try walker.next() }
            let place: BatchWalker.Place
            switch step {
            case .end: return Walked(position: size, nextOffset: expected)
            case .bad(let position, let reason):
                return Walked(
                    position: position, nextOffset: expected, fault: Fault(position: position, reason: reason))
            case .batch(let found): place = found
            }
            var fault = Fault(position: place.position, reason: "a batch has a wrong checksum")
            guard try storing({ () throws(FileError) in try walker.hasValidChecksum(place) }) else {
                return Walked(position: place.position, nextOffset: expected, fault: fault)
            }
            report.batchesChecked += 1
            let base = place.header.baseOffset
            let mayHaveHoles = !isNewest && segment.baseOffset < holeEnd
            let hasGap = mayHaveHoles ? base < expected : base != expected
            guard !hasGap, place.header.lastOffset - segment.baseOffset <= Int64(Int32.max) else {
                fault.reason = "a batch has offset \(base) where \(expected) was expected"
                fault.isWholeBatch = true
                return Walked(position: place.position, nextOffset: expected, fault: fault)
            }
            segment.advance(CollectionOfOne(LogSegment.Appended(place.header)))
            expected = place.header.lastOffset + 1
        }
    }
}

extension LogSegment.Appended {
    init(_ header: RecordBatchHeader) {
        self.init(lastOffset: header.lastOffset, maxTimestamp: header.maxTimestamp, size: header.totalSize)
    }
}

import KafkaProtocol
import NIOCore
import Synchronization

extension PartitionLog {
    /// Begins a new segment if the next record set asks for it.
    func roll(_ writer: inout Writer, for batches: [BatchValidator.Batch], size: Int) throws(LogError) {
        let largest = min(configuration.segmentBytes, Int(Int32.max))
        guard size <= largest else {
            throw LogError(.recordListTooLarge, "\(size) bytes at once; a segment holds \(largest)")
        }
        guard writer.position > 0 else { return }
        let count = batches.reduce(Int64(0)) { $0 + Int64($1.header.lastOffsetDelta) + 1 }
        let isFull = writer.position + Int64(size) > Int64(largest)
        let isFar = writer.nextOffset + count - writer.segment.baseOffset > Int64(Int32.max)
        let age = writer.segmentStarted.map { now() - $0 } ?? 0
        if isFull || isFar || age >= configuration.segmentAge { try roll(&writer) }
    }

    /// Begins a new segment now, unless the newest is empty.
    ///
    /// The old one is made durable with its indexes and the producers' states, and the recovery point moves to its end,
    /// so that no later recovery has to read it.
    public func roll() throws(LogError) {
        try writer.withLock { writer throws(LogError) in
            try check(writer)
            if writer.position > 0 { try roll(&writer) }
        }
    }

    func roll(_ writer: inout Writer) throws(LogError) {
        try removeShutdownFile(&writer)
        let base = writer.nextOffset
        writer.producers.expire(now: now(), after: configuration.producerExpirationMilliseconds)
        let segment: LogSegment
        let indexes: LogSegment.WrittenIndexes
        do throws(FileError) {
            (segment, indexes) = try alone { () throws(FileError) in try nextSegment(base, writer) }
        } catch {
            if error.isFailedSync { throw fail(&writer, "a sync failed", error) }
            throw LogError(file: error)
        }
        writer.segment.seal(indexes)
        writer.segment = segment
        writer.position = 0
        writer.segmentStarted = nil
        published.withLock { published in
            published.segments.append(segment)
            published.durableOffset = max(published.durableOffset, base)
        }
        publishStability(&writer)
        // Only spares a later recovery some reading; the next roll tries again.
        let checkpoint = checkpoint(recoveryPoint: base)
        do throws(FileError) {
            try partition.checkpoint.write(checkpoint.payload())
            writer.recoveryPoint = base
        } catch {
            return
        }
    }

    /// Puts everything on the disk that a new segment needs; changes nothing in memory, so that a full disk leaves the
    /// old segment in use.
    private func nextSegment(
        _ base: Int64, _ writer: borrowing Writer
    ) throws(FileError) -> (LogSegment, LogSegment.WrittenIndexes) {
        let indexes = try writer.segment.writeIndexes()
        try ProducerSnapshot(directory: directory, files: files).write(writer.producers, offset: base)
        let file = try files.open("\(directory)/\(LogSegment.name(base)).log", .create)
        try file.truncate(to: 0)
        try files.syncDirectory(directory)
        let segment = LogSegment(
            baseOffset: base, directory: directory, file: file, files: files,
            indexInterval: configuration.indexIntervalBytes)
        return (segment, indexes)
    }

    /// Takes the clean-shutdown file away, durably, before the first write.
    func removeShutdownFile(_ writer: inout Writer) throws(LogError) {
        guard writer.hasShutdownFile else { return }
        try storing { () throws(FileError) in try partition.cleanShutdown.remove() }
        writer.hasShutdownFile = false
    }
}

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
        if isFull || isFar || age >= configuration.segmentMilliseconds { try roll(&writer) }
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
        do throws(FileError) {
            try writer.segment.file().sync()
        } catch {
            throw fail(&writer, "a sync failed", error)
        }
        writer.producers.expire(now: now(), after: configuration.producerExpirationMilliseconds)
        // Until the new segment stands, a failure (a full disk, for one) leaves the old one in use.
        let segment = try storing { () throws(FileError) in
            try writer.segment.seal()
            try ProducerSnapshot(directory: directory, files: files).write(writer.producers, offset: base)
            let file = try files.open("\(directory)/\(LogSegment.name(base)).log", .create)
            try file.truncate(to: 0)
            try files.syncDirectory(directory)
            return LogSegment(
                baseOffset: base, directory: directory, file: file, files: files,
                indexInterval: configuration.indexIntervalBytes)
        }
        writer.segment = segment
        writer.position = 0
        writer.segmentStarted = nil
        published.withLock { published in
            published.segments.append(segment)
            published.durableOffset = max(published.durableOffset, base)
        }
        // Only spares a later recovery some reading; the next roll tries again.
        let checkpoint = checkpoint(recoveryPoint: base)
        do throws(FileError) {
            try partition.checkpoint.write(checkpoint.payload())
            writer.recoveryPoint = base
        } catch {
            return
        }
    }

    /// Takes the clean-shutdown file away, durably, before the first write.
    func removeShutdownFile(_ writer: inout Writer) throws(LogError) {
        guard writer.hasShutdownFile else { return }
        try storing { () throws(FileError) in try partition.cleanShutdown.remove() }
        writer.hasShutdownFile = false
    }
}

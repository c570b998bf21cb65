import DequeModule
import NIOCore

/// `ProducerStates` on disk: a checkpoint file named after the offset it reaches to, `<offset>.snapshot`.
///
/// Payload behind the checkpoint's CRC and version (big endian):
///
///     offset      int64   the log's end when it was taken; repeats the name
///     count       int32
///     per producer:
///       id        int64
///       epoch     int16
///       lastSeen  int64   milliseconds since 1970
///       batches   int8    0–5, oldest first, per batch:
///         firstSequence int32, lastSequence int32, baseOffset int64, lastOffset int64, timestamp int64
///     openCount   int32         transactions without a marker; absent in files from before there were any
///     per transaction:
///       id        int64
///       first     int64         the offset of its first record
///
/// Kafka's own snapshot keeps one batch per producer; this one keeps all five, so that a producer's retries of all it
/// had in flight are recognised after a restart too. The version number is therefore none of Kafka's.
///
/// Crash rule: written with an atomic replace at every roll and clean close, the two newest are kept. A damaged one is
/// passed over for the one before, and batches behind the snapshot are replayed from the log.
struct ProducerSnapshot {
    static let version: Int16 = 257
    static let suffix = ".snapshot"
    static let kept = 2

    let directory: String
    let files: any FileSystem

    /// What a search for a usable snapshot found.
    struct Found {
        var offset: Int64
        var states: ProducerStates
    }

    func write(_ states: ProducerStates, offset: Int64) throws(FileError) {
        var payload = ByteBuffer()
        payload.writeMultipleIntegers(offset, Int32(truncatingIfNeeded: states.producers.count))
        for (id, producer) in states.producers {
            payload.writeMultipleIntegers(id, producer.epoch, producer.lastSeen)
            payload.writeInteger(Int8(truncatingIfNeeded: producer.batches.count))
            for batch in producer.batches {
                payload.writeMultipleIntegers(
                    batch.firstSequence, batch.lastSequence, batch.baseOffset, batch.lastOffset, batch.timestamp)
            }
        }
        payload.writeInteger(Int32(truncatingIfNeeded: states.open.count))
        for (id, first) in states.open { payload.writeMultipleIntegers(id, first) }
        try file(offset).write(payload)
        for old in try offsets().dropFirst(Self.kept) { try? files.remove(file(old).path) }
    }

    /// The newest readable snapshot at or before `end` (and not before `start`); the names of damaged ones.
    func newest(from start: Int64, to end: Int64) throws(FileError) -> (found: Found?, damaged: [String]) {
        var damaged: [String] = []
        for offset in try offsets() where offset >= start && offset <= end {
            if let states = try? read(offset) { return (Found(offset: offset, states: states), damaged) }
            damaged.append(LogSegment.name(offset) + Self.suffix)
        }
        return (nil, damaged)
    }

    /// Removes snapshots that reach behind the log's end, which happens only after a repair.
    func remove(behind end: Int64) throws(FileError) {
        for offset in try offsets() where offset > end { try files.remove(file(offset).path) }
    }

    /// Newest first.
    private func offsets() throws(FileError) -> [Int64] {
        try files.list(directory).compactMap { LogSegment.baseOffset(ofFile: $0, suffix: Self.suffix) }
            .sorted(by: >)
    }

    private func file(_ offset: Int64) -> CheckpointFile {
        let path = "\(directory)/\(LogSegment.name(offset))\(Self.suffix)"
        return CheckpointFile(path: path, version: Self.version, files: files)
    }

    private func read(_ offset: Int64) throws -> ProducerStates? {
        guard var payload = try file(offset).read(),
            let (stored, count) = payload.readMultipleIntegers(as: (Int64, Int32).self), stored == offset
        else { return nil }
        var states = ProducerStates()
        for _ in 0..<max(0, count) {
            guard let (id, epoch, lastSeen) = payload.readMultipleIntegers(as: (Int64, Int16, Int64).self),
                let batches = payload.readInteger(as: Int8.self)
            else { return nil }
            var producer = ProducerStates.Producer(epoch: epoch, lastSeen: lastSeen, batches: [])
            for _ in 0..<max(0, batches) {
                guard let fields = payload.readMultipleIntegers(as: (Int32, Int32, Int64, Int64, Int64).self) else {
                    return nil
                }
                producer.batches.append(
                    ProducerStates.Batch(
                        firstSequence: fields.0, lastSequence: fields.1, baseOffset: fields.2, lastOffset: fields.3,
                        timestamp: fields.4))
            }
            states.producers[id] = producer
        }
        for _ in 0..<max(0, payload.readInteger(as: Int32.self) ?? 0) {
            guard let (id, first) = payload.readMultipleIntegers(as: (Int64, Int64).self) else { return nil }
            states.open[id] = first
        }
        return states
    }
}

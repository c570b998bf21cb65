/// The place that an event was given when its outbox's relay put it into a batch to send; a record's header tells it.
///
/// An event that is sent again because nobody knows whether it went (the relay died before it wrote down Kafka's
/// answer) carries the same stamp again, and so does every other event of its batch. An event that certainly did not go
/// gets a new stamp, in a later batch, before it is tried again. A batch's events are sent, as often as it takes, until
/// each is out or known not to be; only then is anything of the next batch of that source sent.
///
/// So a reader that keeps a ``StampMemory`` for each source and partition knows every duplicate that a relay makes,
/// however long ago it was, in a few bytes.
///
/// The header ``headerName`` holds it as text: `<outbox>/<shard>/<batch>/<index>`.
public struct EventStamp: Hashable, Sendable {
    /// The name of the record's header.
    public static let headerName = "tidings-stamp"

    /// Whose count it is.
    public var source: StampSource

    /// The batch's number: each batch of a source has a higher one than those before it.
    public var batch: Int64

    /// The event's place in its batch, from 0 to ``lastIndex``.
    public let index: Int32

    /// The highest place that a stamp can tell.
    public static let lastIndex = Int32.max - 1

    /// The stamp of an event at that place of a batch.
    ///
    /// - Precondition: the index is between 0 and ``lastIndex``.
    public init(source: StampSource, batch: Int64, index: Int32) {
        precondition(0...EventStamp.lastIndex ~= index, "a stamp's index is between 0 and \(EventStamp.lastIndex)")
        self.source = source
        self.batch = batch
        self.index = index
    }

    /// Reads a header's text; nil when it is no stamp.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, !parts[0].isEmpty, let shard = Int32(parts[1]), let batch = Int64(parts[2]),
            let index = Int32(parts[3]), shard >= 0, batch >= 0, 0...EventStamp.lastIndex ~= index
        else { return nil }
        self.init(source: StampSource(outbox: String(parts[0]), shard: shard), batch: batch, index: index)
    }

    /// Reads the stamp of a record; nil when it has none, as one that did not come through an outbox.
    public init?(_ headers: [EventHeader]) {
        guard let text = headers.last(where: { $0.name == EventStamp.headerName })?.text else { return nil }
        self.init(text)
    }

    /// The record's header.
    public var header: EventHeader { EventHeader(EventStamp.headerName, bytes) }

    /// What `description` says, without making a string: each event that is sent gets one.
    var bytes: [UInt8] {
        guard source.shard >= 0, batch >= 0 else { return Array(description.utf8) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.outbox.utf8.count + 44)
        bytes.append(contentsOf: source.outbox.utf8)
        EventStamp.append(Int64(source.shard), to: &bytes)
        EventStamp.append(batch, to: &bytes)
        EventStamp.append(Int64(index), to: &bytes)
        return bytes
    }

    /// A slash and the digits of a number that is not negative.
    private static func append(_ number: Int64, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "/"))
        var divisor: Int64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}

extension EventStamp: CustomStringConvertible {
    public var description: String { "\(source)/\(batch)/\(index)" }
}

/// Stamps of one source in the order in which they were given; between sources the order means nothing.
extension EventStamp: Comparable {
    public static func < (left: EventStamp, right: EventStamp) -> Bool {
        (left.source.outbox, left.source.shard, left.batch, left.index)
            < (right.source.outbox, right.source.shard, right.batch, right.index)
    }
}

/// Whose count a stamp belongs to: one shard of one outbox.
public struct StampSource: Hashable, Sendable, CustomStringConvertible {
    /// The outbox's identity, without a slash; a database that loses its count (set up anew, restored) gets another.
    public var outbox: String

    /// The shard's number, from 0.
    public var shard: Int32

    /// A shard of an outbox.
    public init(outbox: String, shard: Int32) {
        self.outbox = outbox
        self.shard = shard
    }

    public var description: String { "\(outbox)/\(shard)" }
}

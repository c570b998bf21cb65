/// What comes over a replication connection, as far as an outbox in the log needs it: the server's heartbeats, and of
/// `pgoutput`'s messages (protocol 1) the beginning and the end of transactions and the messages in them.
///
/// Integers are big-endian. `w` start, end, time, then: `B` commit's place, time, transaction; `M` flags, place, prefix
/// up to a zero, length, bytes; `C` flags, commit's place, end, time. `k` end, time, whether an answer is wanted.
enum LogFrame {
    /// A transaction's messages begin: where its commit stands, and when it was, in microseconds since 2000.
    case begin(commit: UInt64, time: Int64)
    /// A message of a transaction.
    case message(prefix: UnsafeRawBufferPointer, content: UnsafeRawBufferPointer)
    /// The transaction ends; whatever comes next was committed at `end` or later.
    case commit(end: UInt64)
    /// All transactions whose commits stand before `end` have been sent.
    case heartbeat(end: UInt64, wantsAnswer: Bool)
    /// Something that is of no interest here.
    case other

    /// Reads a frame; nil when it is damaged. What it holds is valid as long as the bytes are.
    init?(_ bytes: UnsafeRawBufferPointer) {
        switch bytes.first {
        case UInt8(ascii: "w") where bytes.count > 25:
            self.init(change: UnsafeRawBufferPointer(rebasing: bytes[25...]))
        case UInt8(ascii: "k") where bytes.count >= 18:
            self = .heartbeat(end: Self.integer(bytes, at: 1), wantsAnswer: bytes[17] != 0)
        default: return nil
        }
    }

    private init?(change: UnsafeRawBufferPointer) {
        switch change.first {
        case UInt8(ascii: "B"):
            guard change.count >= 17 else { return nil }
            self = .begin(commit: Self.integer(change, at: 1), time: Self.integer(change, at: 9))
        case UInt8(ascii: "C"):
            guard change.count >= 26 else { return nil }
            self = .commit(end: Self.integer(change, at: 10))
        case UInt8(ascii: "M"):
            guard change.count >= 10, let zero = change[10...].firstIndex(of: 0), change.count >= zero + 5 else {
                return nil
            }
            let length: Int32 = Self.integer(change, at: zero + 1)
            guard length >= 0, change.count == zero + 5 + Int(length) else { return nil }
            // Outside of transactions a message has no commit; those are not ours.
            if change[1] & 1 == 0 {
                self = .other
            } else {
                self = .message(
                    prefix: UnsafeRawBufferPointer(rebasing: change[10..<zero]),
                    content: UnsafeRawBufferPointer(rebasing: change[(zero + 5)...]))
            }
        case nil: return nil
        default: self = .other
        }
    }

    private static func integer<I: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> I {
        I(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: I.self))
    }

    /// What the server is told: received up to, done up to, and whether it is to answer with a heartbeat. (Of the time it
    /// makes no use.)
    static func status(received: UInt64, done: UInt64, wantsAnswer: Bool) -> [UInt8] {
        var bytes = [UInt8(ascii: "r")]
        for number in [received, done, done, 0] { bytes += PostgresValue.bigEndian(number) }
        return bytes + [wantsAnswer ? 1 : 0]
    }
}

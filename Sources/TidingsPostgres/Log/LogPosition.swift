/// A place in the sequence of a log's messages in commit order: before the message `place` of the transaction whose
/// commit stands at `lsn`.
///
/// Transactions come in the order of their commits, and each is whole, so that places rise as messages arrive. A place of 0
/// is one between transactions; its `lsn` is what the server may be told as done.
struct LogPosition: Hashable, Comparable, Sendable {
    /// Where a transaction's commit stands in the log, in bytes.
    var lsn: UInt64

    /// How many of that transaction's messages come before.
    var place: Int32 = 0

    static func < (left: LogPosition, right: LogPosition) -> Bool {
        (left.lsn, left.place) < (right.lsn, right.place)
    }

    /// The place of the commit as PostgreSQL writes it, `16/B374D848`.
    var lsnText: String {
        "\(String(lsn >> 32, radix: 16, uppercase: true))/\(String(lsn & 0xFFFF_FFFF, radix: 16, uppercase: true))"
    }
}

extension LogPosition: CustomStringConvertible {
    var description: String { place == 0 ? lsnText : "\(lsnText)+\(place)" }
}

extension LogPosition {
    /// Reads what ``lsnText`` gives; nil when it is something else.
    init?(lsnText: String, place: Int32 = 0) {
        let halves = lsnText.split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, let high = UInt32(halves[0], radix: 16), let low = UInt32(halves[1], radix: 16)
        else { return nil }
        self.init(lsn: UInt64(high) << 32 | UInt64(low), place: place)
    }
}

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A moment in time to the millisecond, as Kafka's records and CloudEvents' `time` have it.
///
/// ```swift
/// let text = Timestamp(millisecondsSince1970: 1_751_290_000_123).rfc3339   // 2025-06-30T13:26:40.123Z
/// ```
public struct Timestamp: Hashable, Comparable, Sendable, Codable {
    /// Milliseconds since 1970-01-01 00:00 UTC; negative before.
    public var millisecondsSince1970: Int64

    /// A moment so many milliseconds after 1970-01-01 00:00 UTC.
    public init(millisecondsSince1970: Int64) {
        self.millisecondsSince1970 = millisecondsSince1970
    }

    /// The machine's clock now.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(millisecondsSince1970: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.millisecondsSince1970 < right.millisecondsSince1970
    }

    /// The moment that much later, to the millisecond.
    public func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(
            millisecondsSince1970: millisecondsSince1970 + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    /// How long after `earlier` this moment is; negative when it is before.
    public func since(_ earlier: Timestamp) -> Duration {
        .milliseconds(millisecondsSince1970 - earlier.millisecondsSince1970)
    }
}

extension Timestamp: CustomStringConvertible {
    public var description: String { rfc3339 }
}

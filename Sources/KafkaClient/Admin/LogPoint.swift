/// A place in the log of every partition, named without its offset.
public enum LogPoint: Hashable, Sendable {
    /// The first record that is still there.
    case beginning
    /// Behind the last record.
    case end
    /// That offset, or the nearest that the partition has.
    case offset(Int64)
    /// So many offsets before the end, or the beginning if there are not so many.
    case beforeEnd(Int64)
    /// The first record at or after a time, in milliseconds since 1970 (UTC); the end if there is none.
    case time(Int64)
}

extension Admin {
    /// The offset that a point has in each of these partitions: between the first record's and the end.
    ///
    /// ```swift
    /// let yesterday = try await admin.offsets(at: .time(milliseconds), in: partitions)
    /// ```
    public func offsets(
        at point: LogPoint, in partitions: [TopicPartition]
    ) async throws -> [TopicPartition: Int64] {
        let ranges = try await watermarks(partitions)
        return try await offsets(at: point, within: ranges)
    }

    func offsets(
        at point: LogPoint, within ranges: [TopicPartition: Range<Int64>]
    ) async throws -> [TopicPartition: Int64] {
        if case .time(let time) = point {
            let found = try await offsets(atOrAfter: ranges.mapValues { _ in max(0, time) })
            return ranges.reduce(into: [:]) { $0[$1.key] = $1.value.clamp(found[$1.key] ?? $1.value.upperBound) }
        }
        return ranges.mapValues { range in
            switch point {
            case .beginning: range.lowerBound
            case .end, .time: range.upperBound
            case .offset(let offset): range.clamp(offset)
            case .beforeEnd(let count): range.clamp(range.upperBound - min(range.upperBound, max(0, count)))
            }
        }
    }
}

extension Range<Int64> {
    /// The offset, or the nearest that is in the log or right behind it.
    func clamp(_ offset: Int64) -> Int64 { Swift.min(upperBound, Swift.max(lowerBound, offset)) }
}

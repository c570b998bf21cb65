import Foundation

/// When what happened to the actions of a load, as the process that acts writes it down and the one that measures reads
/// it: nanoseconds of the system's monotonic clock, which all processes share.
struct LoadTimes: Sendable {
    /// What became of an action.
    enum Outcome: Int64, Sendable {
        /// Nobody knows: the process ended first.
        case open = 0
        case done, failed
    }

    struct Times: Sendable {
        var called: Int64
        /// 0 when it was not committed.
        var committed: Int64
        var returned: Int64
        var outcome: Outcome
    }

    /// By the event's number.
    var times: [Times] = []

    private static let width = 4 * MemoryLayout<Int64>.size

    init() {}

    init(file: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        times = stride(from: 0, to: data.count - data.count % Self.width, by: Self.width).map { start in
            func word(_ index: Int) -> Int64 {
                data.withUnsafeBytes {
                    Int64(littleEndian: $0.loadUnaligned(fromByteOffset: start + index * 8, as: Int64.self))
                }
            }
            return Times(
                called: word(0), committed: word(1), returned: word(2), outcome: Outcome(rawValue: word(3)) ?? .open)
        }
    }

    func write(to file: String) throws {
        var data = Data(capacity: times.count * Self.width)
        for each in times {
            for word in [each.called, each.committed, each.returned, each.outcome.rawValue] {
                withUnsafeBytes(of: word.littleEndian) { data.append(contentsOf: $0) }
            }
        }
        try data.write(to: URL(fileURLWithPath: file))
    }
}

/// Nanoseconds of the system's monotonic clock.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

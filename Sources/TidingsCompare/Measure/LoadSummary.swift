import Foundation

/// What the process that acts tells of itself, a line of JSON.
struct LoadSummary: Sendable, Codable {
    /// The first number of those that were called as fast as they could.
    var saturationStart: Int
    /// The processor time of the actions at a rate, and of their sending, in microseconds.
    var cpuMicroseconds: Double
    /// How many actions that was for.
    var rated: Int
    /// The memory at its highest until then, in bytes.
    var memory: Int
}

/// What this process has used so far.
struct Usage: Sendable {
    var cpuMicroseconds: Double
    var memory: Int

    static func now() -> Usage {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        func microseconds(_ time: timeval) -> Double { Double(time.tv_sec) * 1e6 + Double(time.tv_usec) }
        return Usage(
            cpuMicroseconds: microseconds(usage.ru_utime) + microseconds(usage.ru_stime),
            memory: Int(usage.ru_maxrss) * 1024)
    }
}

import Testing

@testable import Tidings

@Suite("Offsets that did not arrive")
struct LogHistoryTests {
    @Test("a log that begins at or before them has a gap of its own there, and nothing is lost")
    func inLog() {
        #expect(LogHistory.fate(of: 11..<14, logStart: 0) == .inLog)
        #expect(LogHistory.fate(of: 11..<14, logStart: 11) == .inLog)
    }

    @Test("a log that begins among them, or right behind them, has lost the first of them")
    func deleted() {
        #expect(LogHistory.fate(of: 11..<14, logStart: 12) == .deleted(1))
        #expect(LogHistory.fate(of: 11..<14, logStart: 14) == .deleted(3))
    }

    @Test("a log that begins behind records that did arrive tells nothing: to stop would lose those")
    func unknown() {
        #expect(LogHistory.fate(of: 11..<14, logStart: 15) == .unknown)
        #expect(LogHistory.fate(of: 11..<14, logStart: 1 << 40) == .unknown)
    }
}

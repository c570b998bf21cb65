import Testing

@testable import KafkaClient

@Suite struct RepeatedLinesTests {
    private let start = ContinuousClock.now

    /// Which of the lines are told, each a second after the one before.
    private func told(_ lines: [String], apart: Duration = .seconds(1)) -> [String] {
        var repeated = RepeatedLines()
        var told: [String] = []
        for (number, line) in lines.enumerated() {
            let isRepeated = repeated.isRepeated(line, at: start + apart * number)
            if !isRepeated { told.append(line) }
        }
        return told
    }

    @Test("a failure that repeats itself is told once in half a minute, however long each attempt took")
    func repeats() {
        let lines = (0..<60).map {
            "Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after \($0)ms in state CONNECT)"
        }
        #expect(told(lines) == [lines[0], lines[30]])
    }

    @Test("another failure is told beside it, and what is known of them is limited")
    func others() {
        let lines = (0..<RepeatedLines.limit).map { "failure \($0)" }
        #expect(told(lines + ["failure 0"], apart: .zero) == lines)
        #expect(told(lines + ["one more", "failure 0"], apart: .zero) == lines + ["one more", "failure 0"])
    }
}

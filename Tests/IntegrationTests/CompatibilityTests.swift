import Foundation
import Processes
import Testing

/// What clients of others can do with Apache Kafka, they can do here: `Tests/Compatibility`, one script for each of them.
@Suite("Compatibility", .timeLimit(.minutes(15)))
struct CompatibilityTests {
    @Test("each client does all that it has: records, groups, administration, idempotence, transactions")
    func matrix() async throws {
        try await withKafka { bootstrap in
            let script = Programs.checkout + "/Tests/Compatibility/run.py"
            let child = try ChildProcess(
                Programs.python, [script, "--bootstrap", bootstrap] + (Programs.proves ? [] : ["--quick"]))
            let status = try await child.waitForExit(within: .seconds(600))
            #expect(status == 0, "\(child.errors)")
            #expect(child.lines.count { $0.contains("| yes") } >= 4)
        }
    }
}

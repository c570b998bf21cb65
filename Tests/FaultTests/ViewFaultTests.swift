import Foundation
import Glibc
import KafkaClient
import Processes
import Synchronization
import Testing
import Tidings

/// Views are killed while they fold, rebuild, take snapshots and swap; the next process is of another version, or not.
@Suite(.serialized, .timeLimit(.minutes(30))) struct ViewFaultTests {
    @Test(
        "killed at any step, a view holds what the topic says as soon as it is ready, and never answers with less",
        arguments: ["view.folded:2", "view.folded:17", "view.snapshot.taken:3", "view.snapshot.kept:2"]
            + ["view.version.swapping:1", "view.version.swapped:1"])
    func killedAtStep(step: String) async throws {
        try await ViewSubject.with { subject in
            try await subject.run(version: 1)
            let version: Int32 = step.contains("version") || step.contains("folded") ? 2 : 1
            try await subject.publish(20)
            let process = try subject.start(version: version, killAt: step)
            #expect(try await process.waitForExit() == -SIGKILL, "\(process.errors)")
            try subject.check(process.lines)
            try await subject.publish(5)
            try await subject.run(version: version)
            try await subject.run(version: version + 1)
        }
    }

    @Test(
        "killed at any step, a view that is shared out holds what the topic says as soon as it is ready",
        arguments: ["view.folded:2", "view.folded:17", "view.snapshot.taken:1", "view.snapshot.kept:1"]
            + ["view.snapshot.taken:4", "view.snapshot.kept:3"], [true, false])
    func sharedKilledAtStep(step: String, snapshotsInFile: Bool) async throws {
        try await ViewSubject.with(snapshotsInFile: snapshotsInFile, isShared: true) { subject in
            try await subject.run(version: 1)
            try await subject.publish(20)
            // Killed while it reads everything anew, or when some of its partitions have snapshots of the new version.
            let process = try subject.start(version: 2, killAt: step)
            #expect(try await process.waitForExit() == -SIGKILL, "\(process.errors)")
            try await subject.publish(5)
            try await subject.run(version: 2)
            try await subject.run(version: 3)
        }
    }

    @Test("killed at any moment, again and again", arguments: [true, false], [true, false])
    func killedAnyTime(snapshotsInFile: Bool, isShared: Bool) async throws {
        let delays = (0..<(Programs.proves ? 100 : 6)).map { _ in Int.random(in: 0..<300) }
        print("views are killed after so many milliseconds: \(delays)")
        try await ViewSubject.with(snapshotsInFile: snapshotsInFile, isShared: isShared) { subject in
            var version: Int32 = 1
            for (round, delay) in delays.enumerated() {
                let process = try subject.start(version: version)
                // From its first word on it reads, writes snapshots, rebuilds and swaps all the time.
                _ = try await process.waitFor("a first answer") { $0.first }
                try await Task.sleep(for: .milliseconds(delay))
                process.signal(SIGKILL)
                #expect(try await process.waitForExit() == -SIGKILL, "\(process.errors)")
                try subject.check(process.lines)
                try await subject.publish(10)
                if round.isMultiple(of: 2) { version += 1 }
            }
            try await subject.run(version: version)
        }
    }
}

/// A topic, what it says, and the processes that hold views of it.
private struct ViewSubject: Sendable {
    let topic: String
    let kafka: String
    let folder: String
    let snapshotsInFile: Bool
    let isShared: Bool
    private let producer: Producer
    private let said = Said()

    /// How many times something was said, and the newest of each key.
    private final class Said: Sendable {
        let state = Mutex((number: 0, rows: [String: String]()))
    }

    static func with(
        snapshotsInFile: Bool = true, isShared: Bool = false, _ body: @Sendable (ViewSubject) async throws -> Void
    ) async throws {
        try await withKafka { kafka in
            try await withTemporaryFolder { folder in
                let topic = uniqueName("view-faults")
                let configuration = KafkaConfiguration(kafka)
                try await Admin(configuration, logger: .silent).createTopics([
                    TopicSpecification(topic, partitions: 2)
                ])
                let subject = ViewSubject(
                    topic: topic, kafka: kafka, folder: folder, snapshotsInFile: snapshotsInFile,
                    isShared: isShared,
                    producer: try Producer(ProducerConfiguration(configuration), logger: .silent))
                try await subject.publish(300)
                try await body(subject)
            }
        }
    }

    /// Says something new of one of fifty keys, so many times.
    func publish(_ count: Int) async throws {
        for _ in 0..<count {
            let (key, value) = said.state.withLock { said in
                said.number += 1
                let (key, value) = ("k\(said.number % 50)", "\(said.number)")
                said.rows[key] = value
                return (key, value)
            }
            _ = try await producer.send(ProducerMessage(topic: topic, key: key, value: value))
        }
    }

    func start(version: Int32, killAt: String = "") throws -> ChildProcess {
        try ChildProcess(
            Programs.buildFolder + "/FaultSubject",
            [
                isShared ? "shared-view" : "view", "--database", folder + "/views.sqlite", "--topic", topic,
                "--version", "\(version)",
            ]
                + (snapshotsInFile ? ["--snapshot", folder + "/subject.view"] : []) + ["--kafka", kafka],
            environment: ["TIDINGS_KILL_AT": killAt])
    }

    /// Runs a process until its views are ready, and ends it in peace.
    func run(version: Int32) async throws {
        let process = try start(version: version)
        _ = try await process.waitFor("views that are ready") { lines in
            lines.first { $0.hasPrefix(isShared ? "shared " : "stored ") }
        }
        process.signal(SIGTERM)
        #expect(try await process.waitForExit() == 0, "\(process.errors)")
        try check(process.lines)
    }

    /// What a process has said: a ready view says what the topic does, and what answers before has all the keys.
    func check(_ lines: [String]) throws {
        let expected = said.state.withLock { $0.rows }
        for line in lines {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            let rows = try Dictionary(
                uniqueKeysWithValues: #require(words.last).split(separator: ",").map { row in
                    let parts = row.split(separator: "=").map(String.init)
                    return (parts[0], parts[1])
                })
            switch words[0] {
            case "memory", "stored", "shared": #expect(rows == expected, "\(line)")
            case "answered" where words[1] != "nothing":
                #expect(rows.keys.sorted() == expected.keys.sorted(), "\(line)")
            default: break
            }
        }
    }
}

import ArgumentParser
import CReference
import Foundation
import KafkaClient
import Logging
import Tidings

/// One view read to its end, in a process of its own.
struct FoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fold", abstract: "Fold a topic into a view once and print what it took.", shouldDisplay: false)

    /// What is kept for each key.
    enum Kept: String, ExpressibleByArgument {
        /// A count and a sum, by the number that the key spells.
        case tally
        /// The newest value's bytes, by the key as text.
        case latest
    }

    @Argument var kept: Kept
    @Argument var bootstrap: String
    @Argument var topic: String
    @Option(help: "Keep the state in this file from run to run.") var snapshot: String?

    struct Tally: Sendable {
        var records = 0
        var bytes = 0

        mutating func add(_ count: Int) {
            records += 1
            bytes += count
        }
    }

    func run() async throws {
        let kafka = KafkaConfiguration(bootstrap, clientID: "bench")
        var logger = Logger(label: "bench")
        logger.logLevel = .error
        switch kept {
        case .tally:
            let view = View("bench", of: [topic], initial: [UInt64: Tally](), kafka: kafka, logger: logger)
            view.foldRecords { tallies, record in
                guard let key = record.withKey(History.number) else { return }
                tallies[key, default: Tally()].add(record.valueCount)
            }
            try await measure(view) { $0.count }
        case .latest:
            let snapshots = snapshot.map { file in
                ViewSnapshots<[String: [UInt8]]>.entries(in: .file(file), version: 1) {
                    $0
                } decode: {
                    Array($0)
                }
            }
            let view = View(
                "bench", of: [topic], initial: [String: [UInt8]](), kafka: kafka, snapshots: snapshots,
                logger: logger)
            view.foldRecords { newest, record in
                guard let key = record.withUnsafeKey({ String(decoding: $0, as: UTF8.self) }) else { return }
                newest[key] = record.value
            }
            try await measure(view) { $0.count }
        }
    }

    /// Prints: seconds by the clock and of CPU until ready, records read, keys held, bytes of memory for them.
    private func measure<State>(_ view: View<State>, _ count: @Sendable (State) -> Int) async throws {
        let before = residentBytes()
        let (started, cpuBefore) = (ContinuousClock.now, cpuSeconds())
        let running = Task { try await view.run() }
        let keys = try await view.readWhenReady { count($0) }
        let (wall, cpu) = ((ContinuousClock.now - started).seconds, cpuSeconds() - cpuBefore)
        let records = view.progress.records
        if snapshot != nil { await view.takeSnapshot() }
        running.cancel()
        _ = await running.result
        // What was fetched ahead is given back by now, to the allocator and by that to the system.
        reference_trim()
        print("\(wall) \(cpu) \(records) \(keys) \(residentBytes() - before)")
        try view.peek { state, _ in
            guard count(state) == keys else { throw ValidationError("the state has changed behind the end") }
        }
    }
}

/// The memory that this process has in RAM.
func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}

import ArgumentParser
import Foundation

/// A program that says in one line where it can be reached, and runs until it is told to end.
final class ServerProcess {
    let address: String
    /// From before it was started until it said so.
    let readyAfter: Duration
    private let process = Process()
    /// The mock ends when its input does.
    private let input = Pipe()

    private init(_ program: String, _ arguments: [String]) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        let started = ContinuousClock.now
        try process.run()
        var line = ""
        while !line.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw ValidationError("\(program) ended at once: \(line)") }
            line += String(decoding: data, as: UTF8.self)
        }
        readyAfter = ContinuousClock.now - started
        // "tidings broker ready at HOST:PORT", or the address alone.
        address = line.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
    }

    static func broker(_ tidings: String, directory: String, properties: [String] = []) throws -> ServerProcess {
        guard FileManager.default.isExecutableFile(atPath: tidings) else {
            throw ValidationError("there is no \(tidings): build it with `make build`")
        }
        let arguments = ["broker", "--listen", "127.0.0.1:0", "--data-dir", directory]
        return try ServerProcess(tidings, arguments + properties.flatMap { ["--config", $0] })
    }

    /// librdkafka's mock cluster with a topic `bench`.
    static func mock(partitions: Int = 4) throws -> ServerProcess {
        try ServerProcess(CommandLine.arguments[0], ["loop", "c", "mock", "\(partitions)"])
    }

    /// Sends the signal and waits for the end.
    func end(by signal: Int32 = SIGTERM) {
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
    }

    /// Memory that the process has, in MB of a million bytes.
    var residentMegabytes: Double {
        let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }.first ?? .nan) * 1024 / 1e6
    }

    /// The processor time that it has used so far, to the nanosecond.
    var cpuSeconds: Double {
        var clock = clockid_t()
        var time = timespec()
        guard clock_getcpuclockid(process.processIdentifier, &clock) == 0, clock_gettime(clock, &time) == 0 else {
            return .nan
        }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// Runs `body` with a directory of its own, which is removed afterwards.
func withDirectory<R>(_ body: (String) async throws -> R) async throws -> R {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("tidings-bench-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

/// Runs `body` with a Kafka: the one given, librdkafka's mock cluster, or a `tidings broker` started for it.
func withKafkaUnderTest(
    _ kafka: String?, tidings: String, properties: [String] = [], _ body: (String) async throws -> Void
) async throws {
    if let kafka, kafka != "mock" { return try await body(kafka) }
    try await withDirectory { directory in
        let server =
            kafka == "mock"
            ? try ServerProcess.mock() : try .broker(tidings, directory: directory, properties: properties)
        defer { server.end() }
        try await body(server.address)
    }
}

/// Runs this program once more with other arguments; returns what it printed.
func runSelf(_ arguments: [String]) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
    process.arguments = arguments
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw ValidationError("\(arguments) failed") }
    return String(decoding: data, as: UTF8.self)
}

import ArgumentParser
import Foundation

/// Runs `body` with a Kafka: the one given, librdkafka's mock cluster, or a `tidings broker` started for it.
func withKafkaUnderTest(
    _ kafka: String?, tidings: String, properties: [String] = [], _ body: (String) async throws -> Void
) async throws {
    if let kafka, kafka != "mock" { return try await body(kafka) }
    let process = Process()
    let input = Pipe()
    let output = Pipe()
    process.standardInput = input
    process.standardOutput = output
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tidings-bench-\(UUID())")
    defer { try? FileManager.default.removeItem(at: directory) }
    if kafka == "mock" {
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
        process.arguments = ["loop", "c", "mock"]
    } else {
        guard FileManager.default.isExecutableFile(atPath: tidings) else {
            throw ValidationError("there is no \(tidings): build it with `swift build -c release --product tidings`")
        }
        process.executableURL = URL(fileURLWithPath: tidings)
        process.arguments = ["broker", "--listen", "127.0.0.1:0", "--data-dir", directory.path]
        process.arguments? += properties.flatMap { ["--config", $0] }
        process.standardError = FileHandle.nullDevice
    }
    try process.run()
    defer {
        process.terminate()
        process.waitUntilExit()
    }
    var line = ""
    while !line.hasSuffix("\n") {
        let data = output.fileHandleForReading.availableData
        guard !data.isEmpty else { throw ValidationError("the Kafka under test ended at once: \(line)") }
        line += String(decoding: data, as: UTF8.self)
    }
    // "tidings broker ready at HOST:PORT", or the address alone.
    let address = line.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
    try await body(address)
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

import Foundation
import Processes
import Testing

/// `tidings` as a user runs it, with its two outputs apart.
struct Tool {
    let code: Int32
    let lines: [String]
    let errors: String

    /// Runs it to its end, with a file as its standard input if there is one.
    static func run(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
    ) async throws -> Tool {
        var environment = environment
        // Nothing of the settings of whoever runs the tests.
        environment["XDG_CONFIG_HOME"] = environment["XDG_CONFIG_HOME"] ?? "/nonexistent"
        return try await withTemporaryFolder { folder in
            try Data((input ?? "").utf8).write(to: URL(fileURLWithPath: folder + "/input"))
            // The errors go through a file, which is whole when the process has ended.
            let script = "folder=$1; shift; exec \"$@\" <\"$folder/input\" 2>\"$folder/errors\""
            let process = try ChildProcess(
                "/bin/sh", ["-c", script, "sh", folder, Programs.tidings] + arguments, environment: environment)
            let code = try await process.waitForExit()
            let errors = try String(contentsOfFile: folder + "/errors", encoding: .utf8)
            return Tool(code: code, lines: process.lines, errors: errors)
        }
    }

    /// Runs it as on a terminal of 120 columns, and returns what that shows.
    static func onTerminal(_ arguments: [String], environment: [String: String] = [:]) async throws -> String {
        let words = ([Programs.tidings] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let process = try ChildProcess(
            "/usr/bin/script", ["-qec", "stty cols 120; \(words)", "/dev/null"],
            environment: environment.merging(["TERM": "xterm", "NO_COLOR": "", "XDG_CONFIG_HOME": "/nonexistent"]) {
                own, _ in own
            })
        try await process.waitForExit()
        return process.lines.joined(separator: "\n")
    }

    /// The JSON objects that it printed, one a line.
    var objects: [[String: Any]] {
        get throws {
            try #require(code == 0, "\(lines) \(errors)")
            return try lines.map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
        }
    }

    var text: String { lines.joined(separator: "\n") }
}

/// A Kafka, and the program pointed at it.
struct Shell: Sendable {
    let kafka: String

    func callAsFunction(_ arguments: String..., input: String? = nil) async throws -> Tool {
        try await Tool.run(arguments + ["--kafka", kafka], input: input)
    }

    func json(_ arguments: String..., input: String? = nil) async throws -> [[String: Any]] {
        try await Tool.run(arguments + ["--kafka", kafka, "--json"], input: input).objects
    }
}

func withShell(_ body: @Sendable (Shell) async throws -> Void) async throws {
    try await withKafka { try await body(Shell(kafka: $0)) }
}

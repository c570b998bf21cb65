import Foundation

/// The list of running processes, kept by the supervisor in a file of the data directory for the start page to read.
struct ProcessList: Sendable {
    let path: String

    init(in directory: DataDirectory) {
        path = directory.file("processes.json")
    }

    /// Replaces the list as a whole, so that a reader never sees half of it.
    func write(_ processes: [ProcessEntry]) throws {
        try JSON.encode(processes).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    /// The processes as last written; empty when no supervisor runs them.
    func read() -> [ProcessEntry] {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return [] }
        return (try? JSONDecoder().decode([ProcessEntry].self, from: data)) ?? []
    }
}

import FoundationEssentials

/// A trial and all that is known of it, as it stands on disk: whoever doubts a number of a sweep reads this file.
///
/// The file is JSON: the trial, the facts one by one, and what kept the trial from being one, if anything did.
public struct TrialHistory: Sendable, Codable {
    /// Which trial.
    public var trial: Trial
    /// What happened.
    public var history: History
    /// How many processes were killed.
    public var kills: Int
    /// Why this proves nothing: a step that was never reached, or a process that would not run.
    public var obstacle: String?

    /// What is known of a trial.
    public init(_ trial: Trial, _ history: History, kills: Int, obstacle: String? = nil) {
        self.trial = trial
        self.history = history
        self.kills = kills
        self.obstacle = obstacle
    }

    /// Reads a file.
    public init(file: String) throws {
        self = try JSONDecoder().decode(TrialHistory.self, from: Data(contentsOf: URL(filePath: file)))
    }

    /// Writes it into a folder, under the trial's name.
    ///
    /// - Returns: the file's path.
    @discardableResult
    public func write(into folder: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let path = "\(folder)/\(trial.name).json"
        try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
        return path
    }

    /// Reads all of a folder.
    public static func all(in folder: String) throws -> [(file: String, history: TrialHistory)] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }.sorted()
            .map { ("\(folder)/\($0)", try TrialHistory(file: "\(folder)/\($0)")) }
    }
}

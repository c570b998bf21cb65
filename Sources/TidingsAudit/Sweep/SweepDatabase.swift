/// A kind of database that a sweep tries; each trial gets one of its own there for the writer, and one for the reader.
public struct SweepDatabase: Sendable {
    /// The kind, in words.
    public var name: String

    /// Kills the server and starts it again; nil when that is not ours to do.
    public var restart: (@Sendable () async throws -> Void)?

    private let url: String?

    /// SQLite files in the trial's folder.
    public static let sqlite = SweepDatabase(name: "SQLite", restart: nil, url: nil)

    /// Schemas in a PostgreSQL database, named by a `postgres://` URL.
    public static func postgres(
        _ url: String, restart: (@Sendable () async throws -> Void)? = nil
    ) -> SweepDatabase {
        SweepDatabase(name: "PostgreSQL", restart: restart, url: url)
    }

    private init(name: String, restart: (@Sendable () async throws -> Void)?, url: String?) {
        self.name = name
        self.restart = restart
        self.url = url
    }

    /// Whether what trials leave there would stay.
    var isServer: Bool { url != nil }

    /// What tells a subject which database is its own.
    func arguments(_ part: String, of topic: String, folder: String) -> [String] {
        guard let url else { return ["--database", "\(folder)/\(part).sqlite"] }
        // A digest (FNV-1a): PostgreSQL cuts names after 63 bytes.
        let digest = topic.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        return ["--database", url, "--schema", "tidings_\(String(digest, radix: 16))_\(part)"]
    }
}

/// How a ``SQLiteStore`` opens its database.
public struct SQLiteConfiguration: Sendable {
    /// How long a transaction waits for those of other connections and processes before it fails as busy.
    public var busyTimeout: Duration = .seconds(10)

    /// At most so many connections read at the same time.
    public var maximumReaderCount = 5

    /// Whether opening brings Tidings' own tables up to date. When false, the user calls ``SQLiteSchema/migrate(_:)``.
    public var migratesOnOpen = true

    /// The defaults.
    public init() {}
}

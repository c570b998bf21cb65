import KafkaClient
import Logging
import ServiceLifecycle

/// How a ``View`` keeps its state from start to start, so that it need not read all of history again.
///
/// ```swift
/// let customers = View(
///     "customers", of: ["customer"], initial: [String: Customer](), kafka: kafka,
///     snapshots: .json(in: .file("customers.view"), version: 2), logger: logger)
/// ```
///
/// A snapshot is the state with the offsets it was folded up to, taken at the same moment, under a checksum; it takes the
/// old one's place as a whole. It can be deleted at any time: the view then reads from the beginning. So it does when the
/// snapshot is damaged, or of another ``version``; see ``answering(from:decode:)`` for what answers meanwhile.
public struct ViewSnapshots<State: Sendable>: Sendable {
    /// Where they are kept.
    public var place: SnapshotPlace

    /// The version of the fold: raise it whenever the closures or the state's type change, and history is read anew.
    public var version: Int32

    /// How often a snapshot is taken; one is taken at a graceful shutdown too.
    public var interval: Duration = .seconds(60)

    /// The state's bytes.
    public var encode: @Sendable (State) throws -> [UInt8]

    /// The state that ``encode`` made the bytes of.
    public var decode: @Sendable (ArraySlice<UInt8>) throws -> State

    private var older: [Int32: @Sendable (ArraySlice<UInt8>) throws -> State] = [:]

    /// Snapshots in a format of the caller's own.
    public init(
        in place: SnapshotPlace, version: Int32, encode: @escaping @Sendable (State) throws -> [UInt8],
        decode: @escaping @Sendable (ArraySlice<UInt8>) throws -> State
    ) {
        self.place = place
        self.version = version
        self.encode = encode
        self.decode = decode
    }

    /// With a snapshot of that older version the view answers at once, and folds on from there, while all of history is
    /// read anew beside it; what comes of that takes its place without a gap.
    ///
    /// ```swift
    /// let snapshots = ViewSnapshots<[String: Customer]>.json(in: place, version: 2).answering(from: 1) { bytes in
    ///     try JSONCodec().decode([String: OldCustomer].self, from: Array(bytes)).mapValues { Customer($0) }
    /// }
    /// ```
    ///
    /// - Parameter decode: makes a state of the older version's bytes, as good as that can be.
    public func answering(
        from version: Int32, decode: @escaping @Sendable (ArraySlice<UInt8>) throws -> State
    ) -> ViewSnapshots {
        var snapshots = self
        snapshots.older[version] = decode
        return snapshots
    }

    /// Has one taken from time to time, until graceful shutdown or cancellation.
    func regularly(_ clock: any Clock<Duration>, _ take: () async -> Void) async {
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            await clock.rest(for: interval)
            if !Task.isCancelled, !Task.isShuttingDownGracefully { await take() }
        }
    }

    /// Those of a partition of a view.
    func part(_ number: Int32) -> ViewSnapshots {
        var snapshots = self
        snapshots.place = place.part?(number) ?? place
        snapshots.older = [:]
        return snapshots
    }

    struct Loaded: Sendable {
        var state: State
        var positions: [TopicPartition: Int64]
        /// Whether it stands in until history is read anew.
        var isOlder: Bool
    }

    /// What is in the place for a view.
    enum Found: Sendable {
        case nothing
        /// Of another view or version, or damaged.
        case unusable
        case usable(Loaded)
    }

    /// The snapshot that is there.
    ///
    /// - Parameter waits: whether a place that cannot be read for the moment is waited for.
    /// - Throws: `CancellationError`, at graceful shutdown too.
    func load(
        for name: String, topics: [String], waits: Bool = true, _ configuration: ViewConfiguration,
        _ clock: any Clock<Duration>, _ logger: Logger
    ) async throws -> Found {
        do {
            let read = try await configuration.persistently(clock) { error in
                guard waits, place.passes(error) else { return false }
                logger.warning(
                    "a view waits for its snapshot", metadata: ["in": "\(place)", "error": "\(error)"])
                return true
            } _: {
                try await place.read(name)
            }
            guard let bytes = read else { return .nothing }
            return try await blocking {
                let content = try SnapshotContent(bytes: bytes)
                let decode = content.version == version ? decode : older[content.version]
                guard content.name == name, content.isOf(topics), let decode else {
                    logger.notice(
                        "a snapshot is of another view or version; history is read anew",
                        metadata: ["in": "\(place)", "version": "\(content.version)", "wanted": "\(version)"])
                    return .unusable
                }
                return .usable(
                    Loaded(
                        state: try decode(content.payload), positions: content.positions,
                        isOlder: content.version != version))
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            logger.warning(
                "a snapshot cannot be used; history is read anew", metadata: ["in": "\(place)", "error": "\(error)"])
            return .unusable
        }
    }

    /// Puts a snapshot in the place of the one before, unless that one is newer: another instance's that is further.
    ///
    /// - Parameter overNewer: whether it takes a newer one's place, too.
    /// - Returns: whether it is there now.
    func save(
        _ state: State, _ positions: [TopicPartition: Int64], for name: String, overNewer: Bool, _ metrics: ViewMetrics,
        _ logger: Logger
    ) async -> Bool {
        let start = ContinuousClock.now
        do {
            let head = SnapshotContent(name: name, version: version, positions: positions, payload: [])
            let bytes = try await blocking {
                SnapshotContent(name: name, version: version, positions: positions, payload: try encode(state)).bytes
            }
            let isThere = try await place.replace(bytes, name) { start in
                guard !overNewer, let before = try? SnapshotContent(start: start) else { return false }
                return before.isNewer(than: head)
            }
            if isThere {
                metrics.snapshot(in: .now - start)
            } else {
                logger.debug("another instance's snapshot is newer, and stays", metadata: ["in": "\(place)"])
            }
            return isThere
        } catch {
            metrics.snapshotFailed()
            logger.error(
                "a snapshot could not be written; the one before stays",
                metadata: ["in": "\(place)", "error": "\(error)"])
            return false
        }
    }
}

extension ViewSnapshots where State: Codable {
    /// Snapshots as JSON: for small states, up to some ten thousand entries.
    public static func json(in place: SnapshotPlace, version: Int32) -> ViewSnapshots {
        let codec = JSONCodec()
        return ViewSnapshots(in: place, version: version) {
            try codec.encode($0)
        } decode: {
            try codec.decode(State.self, from: Array($0))
        }
    }
}

extension ViewSnapshots {
    /// Snapshots of a dictionary, entry by entry: for large states. Each value is its own bytes.
    ///
    /// ```swift
    /// let snapshots = ViewSnapshots<[String: Price]>.entries(in: .file("prices.view"), version: 1) { price in
    ///     price.bytes
    /// } decode: { bytes in
    ///     try Price(bytes: bytes)
    /// }
    /// ```
    @inlinable
    public static func entries<Value>(
        in place: SnapshotPlace, version: Int32, encode: @escaping @Sendable (Value) throws -> [UInt8],
        decode: @escaping @Sendable (ArraySlice<UInt8>) throws -> Value
    ) -> ViewSnapshots where State == [String: Value] {
        ViewSnapshots(in: place, version: version) { entries in
            var writer = SnapshotWriter()
            writer.append(Int64(entries.count))
            for (key, value) in entries {
                writer.append(key)
                writer.append(try encode(value))
            }
            return writer.bytes
        } decode: { bytes in
            var reader = SnapshotReader(bytes)
            let count = try reader.count()
            var entries = [String: Value](minimumCapacity: count)
            for _ in 0..<count {
                let key = try reader.text()
                entries[key] = try decode(try reader.blob())
            }
            return entries
        }
    }
}

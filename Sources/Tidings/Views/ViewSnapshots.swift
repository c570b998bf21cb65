import Dispatch
import KafkaClient
import Logging

/// Where a ``View`` keeps its state from start to start, so that it need not read all of history again.
///
/// ```swift
/// View("customers", of: ["customer"], initial: [:], kafka: kafka,
///     snapshots: .json(file: "customers.view", version: 2), logger: logger)
/// ```
///
/// A snapshot is the state with the offsets it was folded up to, taken at the same moment; written beside the old one,
/// synced, and put in its place. It can be deleted at any time: the view then reads from the beginning. So it does when
/// the file is damaged, or of another ``version``.
public struct ViewSnapshots<State: Sendable>: Sendable {
    /// The file.
    public var file: String

    /// The version of the fold: raise it whenever the closures or the state's type change, and history is read anew.
    public var version: Int32

    /// How often a snapshot is taken; one is taken at a graceful shutdown too.
    public var interval: Duration = .seconds(60)

    /// The state's bytes.
    public var encode: @Sendable (State) throws -> [UInt8]

    /// The state that ``encode`` made the bytes of.
    public var decode: @Sendable ([UInt8]) throws -> State

    /// Snapshots in a format of the caller's own.
    public init(
        file: String, version: Int32, encode: @escaping @Sendable (State) throws -> [UInt8],
        decode: @escaping @Sendable ([UInt8]) throws -> State
    ) {
        self.file = file
        self.version = version
        self.encode = encode
        self.decode = decode
    }

    struct Loaded: Sendable {
        var state: State
        var positions: [TopicPartition: Int64]
    }

    /// The snapshot, if there is one that fits.
    func load(for name: String, topics: [String], logger: Logger) async -> Loaded? {
        await blocking {
            do {
                guard let bytes = try SnapshotFile.read(file) else { return nil }
                let content = try SnapshotContent(bytes: bytes)
                guard content.name == name, content.version == version, content.isOf(topics) else {
                    logger.notice(
                        "a snapshot is of another view or version; history is read anew",
                        metadata: ["file": "\(file)", "version": "\(content.version)", "wanted": "\(version)"])
                    return nil
                }
                return Loaded(state: try decode(content.payload), positions: content.positions)
            } catch {
                logger.warning(
                    "a snapshot cannot be used; history is read anew",
                    metadata: ["file": "\(file)", "error": "\(error)"])
                return nil
            }
        }
    }

    func save(
        _ state: State, _ positions: [TopicPartition: Int64], for name: String, topics: [String],
        metrics: ViewMetrics, logger: Logger
    ) async {
        if positions.isEmpty { return }
        await blocking {
            let start = ContinuousClock.now
            do {
                let content = SnapshotContent(
                    name: name, version: version, positions: positions, payload: try encode(state))
                try SnapshotFile.write(content.bytes, to: file)
                metrics.snapshot(in: .now - start)
            } catch {
                metrics.snapshotFailed()
                logger.error(
                    "a snapshot could not be written; the one before stays",
                    metadata: ["file": "\(file)", "error": "\(error)"])
            }
        }
    }

    /// Encoding and writing may take their time: on a thread of Dispatch's.
    private func blocking<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { continuation.resume(returning: body()) }
        }
    }
}

extension ViewSnapshots where State: Codable {
    /// Snapshots as JSON: for small states, up to some ten thousand entries.
    public static func json(file: String, version: Int32) -> ViewSnapshots {
        let codec = JSONCodec()
        return ViewSnapshots(file: file, version: version) {
            try codec.encode($0)
        } decode: {
            try codec.decode(State.self, from: $0)
        }
    }
}

extension ViewSnapshots {
    /// Snapshots of a dictionary, entry by entry: for large states. Each value is its own bytes.
    ///
    /// ```swift
    /// .entries(file: "prices.view", version: 1) { price in price.bytes } decode: { try Price(bytes: $0) }
    /// ```
    public static func entries<Value>(
        file: String, version: Int32, encode: @escaping @Sendable (Value) throws -> [UInt8],
        decode: @escaping @Sendable (ArraySlice<UInt8>) throws -> Value
    ) -> ViewSnapshots where State == [String: Value] {
        ViewSnapshots(file: file, version: version) { entries in
            var writer = SnapshotWriter()
            writer.append(Int64(entries.count))
            for (key, value) in entries {
                writer.append(key)
                writer.append(try encode(value))
            }
            return writer.bytes
        } decode: { bytes in
            var reader = SnapshotReader(bytes[...])
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

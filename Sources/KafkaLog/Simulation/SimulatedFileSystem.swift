import Synchronization

/// Files in memory with a disk's bad habits: the twin of `PosixFileSystem` for tests.
///
/// - A power cut (`cutPower()`) keeps everything that was synced; of the rest it keeps, tears or drops what the seed
///   says: writes by `WriteOrder`, names (created, renamed, removed and not synced in their directory) as a prefix in
///   their order, as a journal keeps them. Open files and locks are dead afterwards; open the log anew.
/// - A process kill (`killProcess()`) loses nothing that was written, but open files and locks are dead.
/// - `failSyncs(_:)` makes syncs fail, and as on Linux the un-synced bytes then never reach the disk, though reads
///   still show them and the next sync "succeeds".
/// - `capacity` fills the disk: a write puts down what fits, then fails with `.noSpace`.
/// - `flipBit(in:at:bit:)` is rot.
///
/// ```swift
/// let files = SimulatedFileSystem(seed: 42)
/// let log = try PartitionLog.open(directory: "topic-0", files: files)
/// _ = try log.append(batch)
/// files.cutPower()
/// let again = try PartitionLog.open(directory: "topic-0", files: files)
/// ```
///
/// The parent of the first directory always exists; "/" and "." are the same root. Everything is behind one lock, so it
/// can be used from many threads.
public final class SimulatedFileSystem: FileSystem {
    /// Which un-synced writes of a file a power cut may keep.
    public enum WriteOrder: Sendable {
        /// A prefix, the last write of it torn: an ordered journalling file system with appended data.
        case kept
        /// Each write for itself is kept, torn or dropped.
        case any
    }

    /// Which calls fail.
    public enum Failure: Sendable {
        case none
        /// The next call, once.
        case next
        /// Every call until further notice.
        case all
    }

    /// When a hook is called.
    public enum SyncMoment: Sendable {
        case before
        case after
    }

    struct State {
        var syncHook: (@Sendable (String, SyncMoment) -> Void)?
        var random: SeededRandom
        var contents: [Int: SimulatedContent] = [:]
        var directories: [Int: SimulatedDirectory] = [0: SimulatedDirectory()]
        var nextNode = 1
        var epoch = 0
        var locks: Set<Int> = []
        var writeOrder: WriteOrder
        var capacity: Int?
        var syncFailure = Failure.none
        var directorySyncFailure = Failure.none
        var writeFailure = Failure.none
        var truncateFailure = Failure.none
        var readFailure = Failure.none
        var syncs = 0
        var directorySyncs = 0
        var bytesRead = 0
    }

    let state: Mutex<State>
    /// The seed everything random comes from; print it with a failure.
    public let seed: UInt64

    public init(seed: UInt64, writeOrder: WriteOrder = .kept, capacity: Int? = nil) {
        self.seed = seed
        var state = State(random: SeededRandom(seed: seed), writeOrder: writeOrder)
        state.capacity = capacity
        self.state = Mutex(state)
    }

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any StorageFile {
        try run { state throws(FileError) in
            let (parent, name) = try state.place(path, "open")
            var node = state.directories[parent]?.current[name]
            if node == nil {
                guard mode == .create else { throw FileError(code: .notFound, operation: "open", path: path) }
                let number = state.add(SimulatedContent())
                state.directories[parent]?.change(.set(name: name, node: number))
                node = number
            }
            guard let node, state.contents[node] != nil else {
                throw FileError(code: .isDirectory, operation: "open", path: path)
            }
            return SimulatedFile(system: self, node: node, epoch: state.epoch, path: path)
        }
    }

    public func list(_ directory: String) throws(FileError) -> [String] {
        try run { state throws(FileError) in
            let node = try state.directory(directory, "list")
            return state.directories[node]?.current.keys.sorted() ?? []
        }
    }

    public func exists(_ path: String) -> Bool {
        state.withLock { $0.node(path) != nil }
    }

    public func createDirectory(_ path: String) throws(FileError) {
        try run { state throws(FileError) in
            let (parent, name) = try state.place(path, "create directory")
            guard state.directories[parent]?.current[name] == nil else {
                throw FileError(code: .exists, operation: "create directory", path: path)
            }
            let number = state.add(SimulatedDirectory())
            state.directories[parent]?.change(.set(name: name, node: number))
        }
    }

    public func remove(_ path: String) throws(FileError) {
        try run { state throws(FileError) in
            let (parent, name) = try state.place(path, "remove")
            guard let node = state.directories[parent]?.current[name] else {
                throw FileError(code: .notFound, operation: "remove", path: path)
            }
            guard state.contents[node] != nil else {
                throw FileError(code: .isDirectory, operation: "remove", path: path)
            }
            state.directories[parent]?.change(.remove(name: name))
        }
    }

    public func removeDirectory(_ path: String) throws(FileError) {
        try run { state throws(FileError) in
            let node = try state.directory(path, "remove directory")
            guard state.directories[node]?.current.isEmpty == true else {
                throw FileError(code: .exists, operation: "remove directory", path: path)
            }
            let (parent, name) = try state.place(path, "remove directory")
            state.directories[parent]?.change(.remove(name: name))
        }
    }

    public func rename(_ path: String, to newPath: String) throws(FileError) {
        try run { state throws(FileError) in
            let (parent, name) = try state.place(path, "rename")
            let (newParent, newName) = try state.place(newPath, "rename")
            guard let node = state.directories[parent]?.current[name] else {
                throw FileError(code: .notFound, operation: "rename", path: path)
            }
            if parent == newParent {
                state.directories[parent]?.change(.rename(name: name, newName: newName))
            } else {
                state.directories[newParent]?.change(.set(name: newName, node: node))
                state.directories[parent]?.change(.remove(name: name))
            }
        }
    }

    public func syncDirectory(_ directory: String) throws(FileError) {
        try run { state throws(FileError) in
            let node = try state.directory(directory, "sync directory")
            try state.directorySyncFailure.take("sync directory", directory)
            state.directories[node]?.sync()
            state.directorySyncs += 1
        }
    }

    public func space(of directory: String) -> VolumeSpace? {
        state.withLock { state in
            state.capacity.map { VolumeSpace(total: Int64($0), free: Int64(max(0, $0 - state.bytesUsed))) }
        }
    }

    public func lock(_ path: String) throws(FileError) -> any FileLock {
        let file = try open(path, .create)
        return try run { state throws(FileError) in
            guard let file = file as? SimulatedFile, state.locks.insert(file.node).inserted else {
                throw FileError(code: .locked, operation: "lock", path: path)
            }
            return SimulatedLock(system: self, node: file.node, epoch: state.epoch)
        }
    }

    func run<Value>(_ body: (inout State) throws(FileError) -> Value) throws(FileError) -> Value {
        let result: Result<Value, FileError> = state.withLock { state in
            do throws(FileError) { return .success(try body(&state)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

extension SimulatedFileSystem.Failure {
    /// Throws if the call is to fail.
    mutating func take(_ operation: String, _ path: String) throws(FileError) {
        switch self {
        case .none: return
        case .next: self = .none
        case .all: break
        }
        throw FileError(code: .other, operation: operation, path: path)
    }
}

extension SimulatedFileSystem.State {
    mutating func add(_ content: SimulatedContent) -> Int {
        defer { nextNode += 1 }
        contents[nextNode] = content
        return nextNode
    }

    mutating func add(_ directory: SimulatedDirectory) -> Int {
        defer { nextNode += 1 }
        directories[nextNode] = directory
        return nextNode
    }

    /// The node of a path; the root is 0.
    func node(_ path: String) -> Int? {
        var node = 0
        for part in path.split(separator: "/") where part != "." {
            guard let next = directories[node]?.current[String(part)] else { return nil }
            node = next
        }
        return node
    }

    func directory(_ path: String, _ operation: String) throws(FileError) -> Int {
        guard let node = node(path), directories[node] != nil else {
            throw FileError(code: .notFound, operation: operation, path: path)
        }
        return node
    }

    /// The directory a path's last part is in, and that part.
    func place(_ path: String, _ operation: String) throws(FileError) -> (parent: Int, name: String) {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        return (try directory(parentDirectory(of: path), operation), name)
    }
}

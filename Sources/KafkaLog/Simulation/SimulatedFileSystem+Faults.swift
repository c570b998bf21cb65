import NIOCore
import Synchronization

/// The faults a test can cause, and what it can look at.
extension SimulatedFileSystem {
    /// Takes the power away and gives it back: see the type's description for what is left.
    public func cutPower() {
        state.withLock { state in
            state.epoch += 1
            state.locks.removeAll()
            for node in state.contents.keys.sorted() {
                state.contents[node]?.cutPower(state.writeOrder, &state.random)
            }
            for node in state.directories.keys.sorted() { state.directories[node]?.cutPower(&state.random) }
            state.dropUnreachable()
        }
    }

    /// Ends the process that holds the files, but not the machine: what was written stays, locks go, open files die.
    public func killProcess() {
        state.withLock { state in
            state.epoch += 1
            state.locks.removeAll()
        }
    }

    /// Makes file syncs fail, and lose what they should have kept.
    public func failSyncs(_ failure: Failure = .next) { state.withLock { $0.syncFailure = failure } }

    /// Calls `hook` before and after every file sync, on the thread that syncs; it may block, and so hold the disk up.
    public func onSyncs(_ hook: (@Sendable (_ path: String, _ moment: SyncMoment) -> Void)?) {
        state.withLock { $0.syncHook = hook }
    }

    /// Makes directory syncs fail.
    public func failDirectorySyncs(_ failure: Failure = .next) { state.withLock { $0.directorySyncFailure = failure } }

    /// Makes writes fail half-way.
    public func failWrites(_ failure: Failure = .next) { state.withLock { $0.writeFailure = failure } }

    /// Makes truncations fail.
    public func failTruncations(_ failure: Failure = .next) { state.withLock { $0.truncateFailure = failure } }

    /// Makes reads fail.
    public func failReads(_ failure: Failure = .next) { state.withLock { $0.readFailure = failure } }

    /// The most bytes all files may hold together; `nil` for no end.
    public var capacity: Int? {
        get { state.withLock { $0.capacity } }
        set { state.withLock { $0.capacity = newValue } }
    }

    /// The bytes all files hold together.
    public var bytesUsed: Int { state.withLock { $0.bytesUsed } }

    /// How many file syncs succeeded.
    public var syncs: Int { state.withLock { $0.syncs } }

    /// How many bytes were read.
    public var bytesRead: Int { state.withLock { $0.bytesRead } }

    /// Flips one bit of a file, on the disk and in memory.
    /// - Throws: `FileError` when there is no such file or the position is outside of it.
    public func flipBit(in path: String, at position: Int, bit: Int = 0) throws(FileError) {
        try run { state throws(FileError) in
            guard let node = state.node(path), let count = state.contents[node]?.current.count, position < count else {
                throw FileError(code: .notFound, operation: "flip a bit of", path: path)
            }
            state.contents[node]?.flipBit(at: position, bit: bit)
        }
    }

    /// Replaces a file's content, on the disk and in memory.
    public func setContents(of path: String, _ bytes: [UInt8]) throws(FileError) {
        let file = try open(path, .create)
        try file.truncate(to: 0)
        try file.write(ByteBuffer(bytes: bytes), at: 0)
        try file.sync()
        try syncDirectory(parentDirectory(of: path))
    }
}

extension SimulatedFileSystem.State {
    /// Counts files that have a name: a removed one gives its space back at once.
    var bytesUsed: Int {
        directories.values.reduce(0) { sum, directory in
            sum + directory.current.values.reduce(0) { $0 + (contents[$1]?.current.count ?? 0) }
        }
    }

    /// Forgets files that no directory names any more.
    mutating func dropUnreachable() {
        var reached: Set<Int> = [0]
        var waiting = [0]
        while let node = waiting.popLast() {
            for next in directories[node]?.current.values.map({ $0 }) ?? [] where reached.insert(next).inserted {
                waiting.append(next)
            }
        }
        contents = contents.filter { reached.contains($0.key) }
        directories = directories.filter { reached.contains($0.key) }
    }
}

/// An open simulated file; dead after a power cut or a process kill.
final class SimulatedFile: StorageFile {
    private let system: SimulatedFileSystem
    let node: Int
    private let epoch: Int
    private let path: String

    init(system: SimulatedFileSystem, node: Int, epoch: Int, path: String) {
        self.system = system
        self.node = node
        self.epoch = epoch
        self.path = path
    }

    func write(_ pieces: [UnsafeRawBufferPointer], at position: Int64) throws(FileError) {
        let bytes = pieces.flatMap { Array($0) }
        try access("write") { state throws(FileError) in
            do throws(FileError) {
                try state.writeFailure.take("write", path)
            } catch {
                let half = Array(bytes.prefix(bytes.count / 2))
                state.contents[node]?.write(half, at: Int(position))
                throw error
            }
            let size = state.contents[node]?.current.count ?? 0
            let growth = max(0, Int(position) + bytes.count - size)
            let room = state.capacity.map { max(0, $0 - state.bytesUsed) } ?? Int.max
            guard growth > room else {
                state.contents[node]?.write(bytes, at: Int(position))
                return
            }
            let fitting = Array(bytes.prefix(max(0, bytes.count - (growth - room))))
            state.contents[node]?.write(fitting, at: Int(position))
            throw FileError(code: .noSpace, operation: "write", path: path)
        }
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at position: Int64) throws(FileError) -> Int {
        // The pointer stays within this call; the closure below does not escape.
        nonisolated(unsafe) let target = bytes
        return try access("read") { state throws(FileError) in
            try state.readFailure.take("read", path)
            guard let content = state.contents[node]?.current, position < content.count else { return 0 }
            let count = min(target.count, content.count - Int(position))
            content[Int(position)..<Int(position) + count].withUnsafeBytes { target.copyMemory(from: $0) }
            state.bytesRead += count
            return count
        }
    }

    func size() throws(FileError) -> Int64 {
        try access("inspect") { state throws(FileError) in Int64(state.contents[node]?.current.count ?? 0) }
    }

    func truncate(to size: Int64) throws(FileError) {
        try access("truncate") { state throws(FileError) in
            try state.truncateFailure.take("truncate", path)
            state.contents[node]?.truncate(to: Int(size))
        }
    }

    func sync() throws(FileError) {
        let hook = system.state.withLock { $0.syncHook }
        hook?(path, .before)
        defer { hook?(path, .after) }
        try access("sync") { state throws(FileError) in
            do throws(FileError) {
                try state.syncFailure.take("sync", path)
            } catch {
                state.contents[node]?.failSync()
                throw error
            }
            state.contents[node]?.sync()
            state.syncs += 1
        }
    }

    func dropCached() {
        system.state.withLock { $0.contents[node]?.dropCached() }
    }

    private func access<Value>(
        _ operation: String, _ body: (inout SimulatedFileSystem.State) throws(FileError) -> Value
    ) throws(FileError) -> Value {
        try system.run { state throws(FileError) in
            guard state.epoch == epoch else { throw FileError(code: .powerLost, operation: operation, path: path) }
            return try body(&state)
        }
    }
}

/// A lock on a simulated file.
final class SimulatedLock: FileLock {
    private let system: SimulatedFileSystem
    private let node: Int
    private let epoch: Int

    init(system: SimulatedFileSystem, node: Int, epoch: Int) {
        self.system = system
        self.node = node
        self.epoch = epoch
    }

    deinit { release() }

    func release() {
        system.state.withLock { state in
            if state.epoch == epoch { state.locks.remove(node) }
        }
    }
}

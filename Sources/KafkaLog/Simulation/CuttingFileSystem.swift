import Synchronization

/// A simulated disk that loses its power, or the process that uses it, before a given change: every create, write, sync,
/// rename and removal counts. Afterwards nothing works any more, whoever goes on trying, until ``revive()``.
///
/// ```swift
/// let files = CuttingFileSystem(SimulatedFileSystem(seed: 42))
/// let log = try PartitionLog.open(directory: "topic-0", files: files)
/// files.cut(after: 7)
/// for batch in batches { _ = try? log.append(batch) }      // fails from the eighth change on
/// files.revive()                                           // the machine starts again; open the log anew
/// ```
public final class CuttingFileSystem: FileSystem {
    /// What ends.
    public enum End: Sendable { case powerCut, processKill }

    private struct State {
        var left: Int?
        var end = End.powerCut
        var isDead = false
    }

    /// The disk itself, for its other faults.
    public let disk: SimulatedFileSystem
    private let state = Mutex(State())
    /// Held while names change, and while the end comes: no name changes after it.
    private let names = Mutex(())

    /// A disk that goes on until ``cut(after:_:)`` says when not.
    public init(_ disk: SimulatedFileSystem) { self.disk = disk }

    /// Lets so many more changes happen.
    public func cut(after changes: Int, _ end: End = .powerCut) {
        state.withLock {
            $0.left = changes
            $0.end = end
        }
    }

    /// Ends it now.
    public func cut(_ end: End = .powerCut) {
        names.withLock { _ in
            state.withLock { $0.isDead = true }
            switch end {
            case .powerCut: disk.cutPower()
            case .processKill: disk.killProcess()
            }
        }
    }

    /// Lets everything happen from now on. Returns whether it was cut before. Whoever used the files must be gone.
    @discardableResult
    public func revive() -> Bool {
        state.withLock { state in
            defer { state = State() }
            return state.isDead
        }
    }

    /// The end has come.
    public var isDead: Bool { state.withLock { $0.isDead } }

    fileprivate func change(_ path: String) throws(FileError) {
        let end: End? = state.withLock { state in
            guard !state.isDead, let left = state.left else { return nil }
            state.left = left - 1
            return left == 0 ? state.end : nil
        }
        if let end { cut(end) }
        try look(path)
    }

    private func look(_ path: String) throws(FileError) {
        if isDead { throw FileError(code: .powerLost, operation: "use", path: path) }
    }

    private func changeNames<Value: Sendable>(
        _ path: String, _ body: () throws(FileError) -> Value
    ) throws(FileError) -> Value {
        try change(path)
        let result: Result<Value, FileError> = names.withLock { _ in
            do throws(FileError) {
                try look(path)
                return .success(try body())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    public func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any StorageFile {
        guard mode == .create else {
            try look(path)
            return CuttingFile(file: try disk.open(path, mode), system: self, path: path)
        }
        let file: any StorageFile = try changeNames(path) { () throws(FileError) in try disk.open(path, mode) }
        return CuttingFile(file: file, system: self, path: path)
    }

    public func list(_ directory: String) throws(FileError) -> [String] {
        try look(directory)
        return try disk.list(directory)
    }

    public func exists(_ path: String) -> Bool { !isDead && disk.exists(path) }

    public func createDirectory(_ path: String) throws(FileError) {
        try changeNames(path) { () throws(FileError) in try disk.createDirectory(path) }
    }

    public func remove(_ path: String) throws(FileError) {
        try changeNames(path) { () throws(FileError) in try disk.remove(path) }
    }

    public func removeDirectory(_ path: String) throws(FileError) {
        try changeNames(path) { () throws(FileError) in try disk.removeDirectory(path) }
    }

    public func rename(_ path: String, to newPath: String) throws(FileError) {
        try changeNames(path) { () throws(FileError) in try disk.rename(path, to: newPath) }
    }

    public func syncDirectory(_ directory: String) throws(FileError) {
        try changeNames(directory) { () throws(FileError) in try disk.syncDirectory(directory) }
    }

    public func lock(_ path: String) throws(FileError) -> any FileLock {
        try look(path)
        return try disk.lock(path)
    }
}

private final class CuttingFile: StorageFile {
    private let file: any StorageFile
    private let system: CuttingFileSystem
    private let path: String

    init(file: any StorageFile, system: CuttingFileSystem, path: String) {
        self.file = file
        self.system = system
        self.path = path
    }

    func write(_ pieces: [UnsafeRawBufferPointer], at position: Int64) throws(FileError) {
        try system.change(path)
        try file.write(pieces, at: position)
    }

    func read(into bytes: UnsafeMutableRawBufferPointer, at position: Int64) throws(FileError) -> Int {
        try file.read(into: bytes, at: position)
    }

    func size() throws(FileError) -> Int64 { try file.size() }

    func truncate(to size: Int64) throws(FileError) {
        try system.change(path)
        try file.truncate(to: size)
    }

    func sync() throws(FileError) {
        try system.change(path)
        try file.sync()
    }

    func dropCached() { file.dropCached() }
}

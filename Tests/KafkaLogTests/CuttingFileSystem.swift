import KafkaLog
import Synchronization

/// A simulated disk that loses its power (or the process that uses it) before a given change: every create, write, sync,
/// rename and removal counts. Dead afterwards; open the log anew on `disk`.
final class CuttingFileSystem: FileSystem {
    enum End { case powerCut, processKill }

    struct State {
        var left: Int?
        var end = End.powerCut
        var isDead = false
    }

    let disk: SimulatedFileSystem
    private let state = Mutex(State())

    init(_ disk: SimulatedFileSystem) { self.disk = disk }

    /// Lets so many more changes happen.
    func cut(after changes: Int, _ end: End = .powerCut) {
        state.withLock {
            $0.left = changes
            $0.end = end
        }
    }

    /// Lets everything happen from now on. Returns whether it was cut before.
    @discardableResult
    func revive() -> Bool {
        state.withLock { state in
            defer { state = State() }
            return state.isDead
        }
    }

    var isDead: Bool { state.withLock { $0.isDead } }

    func change(_ path: String) throws(FileError) {
        let end: End? = state.withLock { state in
            guard !state.isDead, let left = state.left else { return nil }
            state.left = left - 1
            guard left == 0 else { return nil }
            state.isDead = true
            return state.end
        }
        switch end {
        case .powerCut: disk.cutPower()
        case .processKill: disk.killProcess()
        case nil: break
        }
        try look(path)
    }

    func look(_ path: String) throws(FileError) {
        if isDead { throw FileError(code: .powerLost, operation: "use", path: path) }
    }

    func open(_ path: String, _ mode: OpenMode) throws(FileError) -> any StorageFile {
        if mode == .create { try change(path) } else { try look(path) }
        return CuttingFile(file: try disk.open(path, mode), system: self, path: path)
    }

    func list(_ directory: String) throws(FileError) -> [String] {
        try look(directory)
        return try disk.list(directory)
    }

    func exists(_ path: String) -> Bool { !isDead && disk.exists(path) }

    func createDirectory(_ path: String) throws(FileError) {
        try change(path)
        try disk.createDirectory(path)
    }

    func remove(_ path: String) throws(FileError) {
        try change(path)
        try disk.remove(path)
    }

    func removeDirectory(_ path: String) throws(FileError) {
        try change(path)
        try disk.removeDirectory(path)
    }

    func rename(_ path: String, to newPath: String) throws(FileError) {
        try change(path)
        try disk.rename(path, to: newPath)
    }

    func syncDirectory(_ directory: String) throws(FileError) {
        try change(directory)
        try disk.syncDirectory(directory)
    }

    func lock(_ path: String) throws(FileError) -> any FileLock { try disk.lock(path) }
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

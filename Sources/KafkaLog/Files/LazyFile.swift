import Synchronization

/// A file that is opened for reading when first asked for, so that closed segments that nobody reads cost no file
/// descriptor.
final class LazyFile: Sendable {
    let path: String
    private let files: any FileSystem
    private let file = Mutex<(any StorageFile)?>(nil)

    init(path: String, files: any FileSystem) {
        self.path = path
        self.files = files
    }

    /// Lets go of the file; whoever reads it at the moment reads on, and the next `open()` opens it again.
    func close() {
        file.withLock { $0 = nil }
    }

    func open() throws(FileError) -> any StorageFile {
        try file.withLock { file throws(FileError) in
            if let file { return file }
            let opened = try files.open(path, .read)
            file = opened
            return opened
        }
    }
}

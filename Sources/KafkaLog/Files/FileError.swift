#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What went wrong with a file: which operation, on which path, and why.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The cause, as far as callers act on it.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String, Hashable, Sendable {
            case noSpace, notFound, exists, isDirectory, notDirectory, locked, permission, tooManyFiles, powerLost,
                other
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The disk (or the quota, or the file's largest size) is full. Nothing else is wrong: free space helps.
        public static let noSpace = Code(.noSpace)
        /// No file of that name.
        public static let notFound = Code(.notFound)
        /// A file of that name is there already.
        public static let exists = Code(.exists)
        /// A file was expected and a directory found.
        public static let isDirectory = Code(.isDirectory)
        /// A directory was expected, at the end of the path or on the way there, and a file found.
        public static let notDirectory = Code(.notDirectory)
        /// Another process, or another part of this one, holds the lock.
        public static let locked = Code(.locked)
        /// The process may not do that here, or the file system is mounted read-only.
        public static let permission = Code(.permission)
        /// The process or the system has too many open files.
        public static let tooManyFiles = Code(.tooManyFiles)
        /// The simulated machine lost power; only `SimulatedFileSystem` says so.
        public static let powerLost = Code(.powerLost)
        /// Anything else: an input/output error, for one.
        public static let other = Code(.other)

        public var description: String { kind.rawValue }
    }

    /// The cause.
    public var code: Code
    /// The operation that failed, as a verb: "write", "sync".
    public var operation: String
    /// The file or directory.
    public var path: String
    /// The system's error number; 0 if there is none.
    public var errorNumber: Int32

    /// Whether a sync failed, of a file or a directory: then it is unknown what is on the disk.
    public var isFailedSync: Bool { operation.hasPrefix("sync") }

    public init(code: Code, operation: String, path: String, errorNumber: Int32 = 0) {
        self.code = code
        self.operation = operation
        self.path = path
        self.errorNumber = errorNumber
    }

    /// An error from `errno`.
    public init(errorNumber: Int32, operation: String, path: String) {
        let code: Code =
            switch errorNumber {
            case ENOSPC, EDQUOT, EFBIG: .noSpace
            case ENOENT: .notFound
            case EEXIST: .exists
            case EISDIR: .isDirectory
            case ENOTDIR: .notDirectory
            case EWOULDBLOCK: .locked
            case EACCES, EPERM, EROFS: .permission
            case EMFILE, ENFILE: .tooManyFiles
            default: .other
            }
        self.init(code: code, operation: operation, path: path, errorNumber: errorNumber)
    }

    public var description: String {
        let reason = errorNumber == 0 ? code.description : String(cString: strerror(errorNumber))
        let advice = code == .tooManyFiles ? "; raise the limit of open files (ulimit -n) and start again" : ""
        return "cannot \(operation) \(path): \(reason)\(advice)"
    }
}

import KafkaLog
import NIOCore
import Testing

/// What every file system must do, run against the real one and its twin.
@Suite struct FileSystemTests {
    enum Kind: CaseIterable {
        case posix, simulated
    }

    struct Subject {
        let files: any FileSystem
        let root: String
        let holder: TemporaryDirectory?

        init(_ kind: Kind) throws {
            switch kind {
            case .posix:
                let directory = try TemporaryDirectory()
                (files, root, holder) = (PosixFileSystem(), directory.path, directory)
            case .simulated:
                (files, root, holder) = (SimulatedFileSystem(seed: 1), "root", nil)
                try files.createDirectory(root)
            }
        }
    }

    func code(_ body: () throws -> Void) -> FileError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? FileError)?.code
        }
    }

    @Test("bytes are written and read at positions", arguments: Kind.allCases)
    func content(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let file = try subject.files.open("\(subject.root)/a", .create)
        try file.write(ByteBuffer(string: "hello world"), at: 0)
        try file.write(ByteBuffer(string: "W"), at: 6)
        #expect(try String(buffer: file.read(100, at: 0)) == "hello World")
        #expect(try String(buffer: file.read(3, at: 6)) == "Wor")
        #expect(try file.read(10, at: 50).readableBytes == 0)
        try file.write(ByteBuffer(string: "!"), at: 13)
        #expect(try Array(buffer: file.read(100, at: 9)) == Array("ld\0\0!".utf8))
        #expect(try file.size() == 14)
        try file.truncate(to: 5)
        try file.sync()
        #expect(try String(buffer: subject.files.contents(of: "\(subject.root)/a")) == "hello")
    }

    @Test("many pieces are written one behind the other", arguments: Kind.allCases)
    func pieces(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let file = try subject.files.open("\(subject.root)/a", .create)
        let bytes = (0..<9000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        try bytes.withUnsafeBytes { all in
            // More than one system call takes, some of them empty.
            let pieces = (0..<3000).flatMap { index in
                [
                    UnsafeRawBufferPointer(rebasing: all[index * 3..<index * 3 + 3]),
                    UnsafeRawBufferPointer(start: nil, count: 0),
                ]
            }
            try file.write(pieces, at: 10)
        }
        #expect(try Array(buffer: file.read(10_000, at: 10)) == bytes)
    }

    @Test("names are made, listed, renamed over others and removed", arguments: Kind.allCases)
    func names(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let path = subject.root
        for name in ["a", "b"] {
            try subject.files.open("\(path)/\(name)", .create).write(ByteBuffer(string: name), at: 0)
        }
        try subject.files.createDirectory("\(path)/d")
        #expect(try subject.files.list(path).sorted() == ["a", "b", "d"])
        try subject.files.rename("\(path)/a", to: "\(path)/b")
        #expect(try String(buffer: subject.files.contents(of: "\(path)/b")) == "a")
        #expect(!subject.files.exists("\(path)/a"))
        try subject.files.rename("\(path)/d", to: "\(path)/e")
        try subject.files.syncDirectory(path)
        #expect(try subject.files.list(path).sorted() == ["b", "e"])
        try subject.files.remove("\(path)/b")
        try subject.files.removeDirectory("\(path)/e")
        #expect(try subject.files.list(path) == [])
    }

    @Test("errors say what is wrong", arguments: Kind.allCases)
    func errors(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let (files, root) = (subject.files, subject.root)
        #expect(code { _ = try files.open("\(root)/none", .read) } == .notFound)
        #expect(code { _ = try files.open("\(root)/none", .write) } == .notFound)
        #expect(code { _ = try files.open("\(root)/none/a", .create) } == .notFound)
        #expect(code { _ = try files.list("\(root)/none") } == .notFound)
        #expect(code { try files.remove("\(root)/none") } == .notFound)
        #expect(code { try files.rename("\(root)/none", to: "\(root)/x") } == .notFound)
        try files.createDirectory("\(root)/d")
        #expect(code { try files.createDirectory("\(root)/d") } == .exists)
        #expect(code { try files.remove("\(root)/d") } == .isDirectory)
    }

    @Test("trees are made and removed as a whole", arguments: Kind.allCases)
    func trees(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let (files, root) = (subject.files, subject.root)
        try files.createDirectories("\(root)/x/y/z")
        try files.createDirectories("\(root)/x/y/z")
        _ = try files.open("\(root)/x/y/file", .create)
        try files.removeTree("\(root)/x")
        #expect(try files.list(root) == [])
    }

    @Test("a lock keeps others out until it is released", arguments: Kind.allCases)
    func locks(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let lock = try DirectoryLock(directory: subject.root, files: subject.files)
        #expect(code { _ = try DirectoryLock(directory: subject.root, files: subject.files) } == .locked)
        lock.release()
        _ = try DirectoryLock(directory: subject.root, files: subject.files)
        // The lock above went with its last reference.
        _ = try DirectoryLock(directory: subject.root, files: subject.files)
    }

    @Test("an open file that is removed can be read to the end", arguments: Kind.allCases)
    func unlinked(_ kind: Kind) throws {
        let subject = try Subject(kind)
        let file = try subject.files.open("\(subject.root)/a", .create)
        try file.write(ByteBuffer(string: "kept"), at: 0)
        try subject.files.remove("\(subject.root)/a")
        #expect(try String(buffer: file.read(10, at: 0)) == "kept")
    }
}

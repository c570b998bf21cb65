import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file beside the database, `<database>-outbox`, by which a process tells others that it has appended to the outbox:
/// it writes a byte there after the commit, and they watch.
///
/// The byte means nothing, and the file may be removed while nobody has the database open. The kernel counts many writes
/// that nobody has looked at as one. Watching is Linux's `inotify`; elsewhere nobody hears, and the slow poll has to do.
final class OutboxFile: Sendable {
    private let path: String
    private let descriptor = Mutex<Int32?>(nil)

    /// - Parameter database: the path of the database, which is there; a link leads to the same file as its target.
    init(besideDatabase database: String) {
        let real = realpath(database, nil)
        defer { free(real) }
        path = (real.map { String(cString: $0) } ?? database) + "-outbox"
    }

    deinit {
        if let descriptor = descriptor.withLock({ $0 }) { close(descriptor) }
    }

    /// Tells whoever watches. Where the file cannot be written nobody hears of it, and nothing is thrown: what was
    /// appended is committed.
    func announce() {
        descriptor.withLock { descriptor in
            let open = descriptor ?? Self.open(path)
            guard open >= 0 else { return }
            descriptor = open
            var byte: UInt8 = 1
            _ = pwrite(open, &byte, 1, 0)
        }
    }

    private static func open(_ path: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        #else
            Darwin.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        #endif
    }

    #if os(Linux)
        /// An element for what was announced since the one before, from now on until the reader leaves; nil where the file
        /// cannot be watched.
        func announcements() -> AsyncStream<Void>? {
            let file = Self.open(path)
            if file >= 0 { close(file) }
            let watch = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
            guard watch >= 0 else { return nil }
            guard inotify_add_watch(watch, path, UInt32(IN_MODIFY)) >= 0 else {
                close(watch)
                return nil
            }
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let source = DispatchSource.makeReadSource(
                fileDescriptor: watch, queue: DispatchQueue(label: "tidings.outbox.watch"))
            source.setEventHandler {
                var events = [UInt8](repeating: 0, count: 4096)
                while read(watch, &events, events.count) > 0 {}
                continuation.yield()
            }
            source.setCancelHandler { close(watch) }
            let watching = Watching(source: source)
            continuation.onTermination = { _ in watching.source.cancel() }
            source.resume()
            return stream
        }
    #else
        func announcements() -> AsyncStream<Void>? { nil }
    #endif

    /// A dispatch source may be cancelled from any thread.
    private struct Watching: @unchecked Sendable {
        let source: any DispatchSourceRead
    }
}

import NIOCore

/// An index of one segment: in memory while the segment grows, in a file afterwards.
///
/// Crash rule: the file is written in one go, and synced, when its segment is closed, before the recovery point moves
/// past the segment. Whatever an index file of the segment being written says is therefore left from an interrupted
/// closing: recovery ignores it and builds the index anew from the log. An index is a hint only: readers check that the
/// batch at the position is the one the entry names, and a file of a wrong size or with an entry outside of its segment
/// is built anew.
enum SegmentIndex<Entry: IndexEntry>: Sendable {
    case memory([Entry])
    case file(LazyFile, count: Int)

    var count: Int {
        switch self {
        case .memory(let entries): entries.count
        case .file(_, let count): count
        }
    }

    func entry(at index: Int) throws(FileError) -> Entry? {
        switch self {
        case .memory(let entries):
            return entries[index]
        case .file(let file, _):
            var bytes = try file.open().read(Entry.size, at: Int64(index * Entry.size))
            return Entry(from: &bytes)
        }
    }

    /// Lets go of the file's descriptor until the next look-up.
    func letGo() {
        if case .file(let file, _) = self { file.close() }
    }

    /// Opens the file for good.
    func pin() throws(FileError) {
        if case .file(let file, _) = self { _ = try file.open() }
    }

    func last() throws(FileError) -> Entry? {
        count == 0 ? nil : try entry(at: count - 1)
    }

    /// The last entry for which `isBefore` holds; entries for which it holds come before all others.
    func last(where isBefore: (Entry) -> Bool) throws(FileError) -> Entry? {
        var low = 0
        var high = count
        var found: Entry?
        while low < high {
            let middle = low + (high - low) / 2
            guard let entry = try entry(at: middle) else { return found }
            if isBefore(entry) {
                found = entry
                low = middle + 1
            } else {
                high = middle
            }
        }
        return found
    }

    /// Writes the entries to a file, durably, and returns the index that reads from it.
    func written(to path: String, files: any FileSystem) throws(FileError) -> SegmentIndex {
        guard case .memory(let entries) = self else { return self }
        var bytes = ByteBufferAllocator().buffer(capacity: entries.count * Entry.size)
        for entry in entries { entry.write(to: &bytes) }
        let file = try files.open(path, .create)
        try file.truncate(to: 0)
        try file.write(bytes, at: 0)
        try file.sync()
        return .file(LazyFile(path: path, files: files), count: entries.count)
    }

    /// The index in a file; `nil` when there is none or its size is wrong.
    static func opened(_ path: String, files: any FileSystem) throws(FileError) -> SegmentIndex? {
        do throws(FileError) {
            let file = try files.open(path, .read)
            let size = try file.size()
            guard size % Int64(Entry.size) == 0 else { return nil }
            return .file(LazyFile(path: path, files: files), count: Int(size) / Entry.size)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// The same index in memory.
    func loaded() throws(FileError) -> SegmentIndex {
        guard case .file(let file, let count) = self else { return self }
        var bytes = try file.open().read(count * Entry.size, at: 0)
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        while let entry = Entry(from: &bytes) { entries.append(entry) }
        return .memory(entries)
    }

    mutating func append(_ entry: Entry) {
        guard case .memory(var entries) = self else { return }
        self = .memory([])
        entries.append(entry)
        self = .memory(entries)
    }
}

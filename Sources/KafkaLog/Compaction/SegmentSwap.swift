import NIOCore

/// Puts what a cleaning wrote in the place of what it read: whole, or not at all, whenever the power goes.
///
/// 1. The new segments are written under names that end in `.cleaned` (`.log.cleaned`, `.index.cleaned`, …) and synced.
/// 2. The checkpoint file `cleaner-swap` is written (version 1):
///
///        start   int64   the first offset whose segment is replaced
///        end     int64   where the next segment begins that is not
///        count   int32   per new segment: base offset int64, size of its `.log` int64
///
///    From here on the new segments count.
/// 3. Each `.cleaned` file is renamed to its live name, over what was there, and the other segments between `start` and
///    `end` are removed.
/// 4. `cleaner-swap` is removed.
///
/// Crash rule: where `cleaner-swap` is there at the start, steps 3 and 4 are done again; a `.cleaned` file that is missing
/// was renamed already. Where it is not, `.cleaned` files are left from a cleaning that did not come that far, and go.
struct SegmentSwap: Equatable {
    static let suffix = ".cleaned"

    struct Output: Equatable {
        var base: Int64
        var size: Int64
    }

    var start: Int64
    var end: Int64
    var outputs: [Output]

    static func file(in directory: String, _ files: any FileSystem) -> CheckpointFile {
        CheckpointFile(path: "\(directory)/cleaner-swap", version: 1, files: files)
    }

    init(start: Int64, end: Int64, outputs: [Output]) {
        self.start = start
        self.end = end
        self.outputs = outputs
    }

    init?(payload: ByteBuffer) {
        var payload = payload
        guard let (start, end, count) = payload.readMultipleIntegers(as: (Int64, Int64, Int32).self), start < end else {
            return nil
        }
        self.init(start: start, end: end, outputs: [])
        for _ in 0..<max(0, count) {
            guard let (base, size) = payload.readMultipleIntegers(as: (Int64, Int64).self) else { return nil }
            outputs.append(Output(base: base, size: size))
        }
        guard outputs.first?.base == start else { return nil }
    }

    func payload() -> ByteBuffer {
        var payload = ByteBuffer()
        payload.writeMultipleIntegers(start, end, Int32(truncatingIfNeeded: outputs.count))
        for output in outputs { payload.writeMultipleIntegers(output.base, output.size) }
        return payload
    }

    /// Step 3. Nothing is removed before every new segment is there in full.
    ///
    /// - Throws: `FileError`, `.other` where a new segment is not what was written.
    func apply(in directory: String, _ files: any FileSystem) throws(FileError) {
        for output in outputs {
            let name = "\(directory)/\(LogSegment.name(output.base))"
            for kind in LogSegment.fileSuffixes where files.exists(name + kind + Self.suffix) {
                try files.rename(name + kind + Self.suffix, to: name + kind)
            }
            guard try files.open(name + ".log", .read).size() == output.size else {
                throw FileError(code: .other, operation: "find \(output.size) cleaned bytes in", path: name + ".log")
            }
        }
        try files.syncDirectory(directory)
        let kept = Set(outputs.map(\.base))
        for name in try files.list(directory) {
            guard let base = LogSegment.baseOffset(ofFile: name, suffix: ".log") else { continue }
            if base >= start, base < end, !kept.contains(base) { try Self.remove(base, "", in: directory, files) }
        }
        try files.syncDirectory(directory)
    }

    /// Removes a segment's files, or those that a cleaning wrote.
    static func remove(
        _ base: Int64, _ suffix: String, in directory: String, _ files: any FileSystem
    ) throws(FileError) {
        for kind in LogSegment.fileSuffixes {
            do throws(FileError) {
                try files.remove("\(directory)/\(LogSegment.name(base))\(kind)\(suffix)")
            } catch  where error.code == .notFound {
                continue
            }
        }
    }

    /// Finishes a swap that a crash interrupted, or removes what is left of a cleaning that did not come that far. Returns
    /// a note for the report.
    static func recover(in directory: String, _ files: any FileSystem) throws(LogError) -> String? {
        let file = file(in: directory, files)
        let payload: ByteBuffer?
        do {
            payload = try file.read()
        } catch let error as FileError {
            throw LogError(file: error)
        } catch {
            throw LogError(.damaged, "\(file.path) cannot be read, so nobody knows which segments count", cause: error)
        }
        if let payload {
            guard let swap = SegmentSwap(payload: payload) else {
                throw LogError(.damaged, "\(file.path) is too short, so nobody knows which segments count")
            }
            do throws(FileError) {
                try swap.apply(in: directory, files)
                try file.remove()
            } catch  where error.code == .other {
                throw LogError(.damaged, "\(directory): a cleaned segment is not what was written", cause: error)
            } catch {
                throw LogError(file: error)
            }
            return "finished the replacement of segments \(swap.start) to \(swap.end) by their cleaned form"
        }
        let leftovers = try storing { () throws(FileError) in
            try files.list(directory).filter { $0.hasSuffix(suffix) }
        }
        for name in leftovers {
            try storing { () throws(FileError) in try files.remove("\(directory)/\(name)") }
        }
        if !leftovers.isEmpty { try storing { () throws(FileError) in try files.syncDirectory(directory) } }
        return nil
    }
}

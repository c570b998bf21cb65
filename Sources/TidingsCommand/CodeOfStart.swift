#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Gives back the pages of code that only a start needs: reading arguments, looking types up. This program can do much more
/// than be a broker, and its start touches most of it. What is needed again comes back from the system's cache.
func releaseCodeOfStart() {
    #if os(Linux)
        guard let maps = fopen("/proc/self/maps", "r") else { return }
        defer { fclose(maps) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while getline(&line, &capacity, maps) > 0, let line {
            // 55d0a0000000-55d0a2000000 r-xp 00000000 fe:00 12345 /usr/bin/tidings
            let fields = String(cString: line).split(separator: " ")
            guard fields.count > 5, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, bounds[0] < bounds[1] else { continue }
            // Code is never written to, so nothing is lost.
            madvise(UnsafeMutableRawPointer(bitPattern: bounds[0]), Int(bounds[1] - bounds[0]), MADV_DONTNEED)
        }
    #endif
}

import Glibc

/// How many files this process may have open.
enum OpenFileLimit {
    /// Raises the soft limit as far as this user may: every partition and every connection needs a descriptor, and the
    /// usual 1024 is made for programs that use `select`.
    ///
    /// - Returns: the limit that then holds.
    @discardableResult
    static func raise() -> UInt64 {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 0 }
        guard limit.rlim_cur < limit.rlim_max else { return UInt64(limit.rlim_cur) }
        let former = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        return UInt64(setrlimit(resource, &limit) == 0 ? limit.rlim_cur : former)
    }
}

/// One process of the shop as `/status` tells of it.
struct ProcessEntry: Codable, Sendable, Equatable {
    /// What it does: `broker`, `order`, `shipping`, `invoicing`, …
    var role: String
    /// Which of the role's processes it is, from 1.
    var instance: Int
    /// Its process id; nil while it is down.
    var pid: Int32?
    /// How many times it was started again.
    var restarts: Int
    /// Why it ended the last time, in words.
    var lastEnd: String?

    var name: String { "\(role)-\(instance)" }
}

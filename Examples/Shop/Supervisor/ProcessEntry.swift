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
    /// When it ended the last time, in milliseconds since 1970.
    var endedAt: Int64?
    /// When it said the last time that it does its work, in milliseconds since 1970.
    var readyAt: Int64?
    /// Whether it has said that it does its work.
    var isReady = true
    /// Whether someone stopped it, so that it is not started again.
    var isStopped = false

    var name: String { "\(role)-\(instance)" }

    /// Why one ended that somebody stopped.
    static let stopped = "was stopped"
    /// What it did the last time, in a word or two.
    var endInShort: String { lastEnd == Self.stopped ? Self.stopped : "ended" }
}

extension String {
    /// A process's name as people write it: `invoicing-2` → `Invoicing 2`
    var processTitle: String {
        switch self {
        // “Order 1” would be taken for an order, and there is one broker only.
        case "order-1": return "The order service"
        case "broker-1": return "The broker"
        default: break
        }
        return Readable.title(replacing("-", with: " "))
    }
}

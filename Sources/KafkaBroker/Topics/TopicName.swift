/// Kafka's rules for topic names.
enum TopicName {
    static let groups = "__consumer_offsets"
    static let transactions = "__transaction_state"
    /// Names the broker keeps for itself: readable, never writable, never deletable.
    static let `internal`: Set<String> = [groups, transactions, "__cluster_metadata"]

    static let maxLength = 249

    /// Why the name is none, or nil when it is one.
    static func fault(in name: String) -> String? {
        if name.isEmpty { return "a topic needs a name" }
        if name == "." || name == ".." { return "a topic cannot be named \(name)" }
        if name.utf8.count > maxLength { return "a topic's name has at most \(maxLength) characters" }
        let isFine = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isFine ? nil : "a topic's name is made of letters, digits, '.', '_' and '-'"
    }
}

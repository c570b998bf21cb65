import KafkaClient

/// Who holds which partitions of a partitioned view, from what Kafka says of its group.
struct ViewHolders: Sendable {
    private let addresses: [String]
    private let active: [Int32: Int]

    /// Whether all members have their partitions; not while these are being shared out.
    let isSettled: Bool

    /// - Parameter group: its members' client ids are their addresses.
    init(_ group: GroupDescription) {
        self.init(
            group.members.map { ($0.clientID, $0.assignment.map(\.partition)) }, isSettled: group.state == .stable)
    }

    init(_ members: [(address: String, partitions: [Int32])], isSettled: Bool = true) {
        self.isSettled = isSettled
        let members = members.sorted { $0.address < $1.address }
        addresses = members.map(\.address)
        active = members.enumerated().reduce(into: [:]) { active, member in
            for partition in member.element.partitions { active[partition] = member.offset }
        }
    }

    /// The instance that answers for a partition; nil while nobody does.
    func address(of number: Int32) -> String? { active[number].map { addresses[$0] } }

    /// The instances that stand by for a partition: those that follow its holder, in a ring.
    func standbys(of number: Int32, count: Int) -> [String] {
        guard let holder = active[number] else { return [] }
        return (0..<min(count, addresses.count - 1)).map { addresses[(holder + 1 + $0) % addresses.count] }
    }

    /// The partitions that an instance stands by for.
    func standing(by address: String, count: Int) -> Set<Int32> {
        Set(active.keys.filter { standbys(of: $0, count: count).contains(address) })
    }
}

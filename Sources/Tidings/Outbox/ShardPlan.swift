/// Which shards a relay takes and which it gives up, so that the living relays have about as many each.
///
/// A value without I/O: every relay makes its own plan from what the database shows, in a transaction in which nobody
/// else can give shards away. All living relays in the order of their names come to the same shares, so a change of their
/// number moves shards once and then nothing more.
struct ShardPlan: Equatable {
    /// Relays that own shards but whose leases have expired: they must be fenced before their shards are taken.
    var fencing: [Lease] = []

    /// What this relay takes: nobody has it, or somebody who is fenced, or its own former self.
    var taking: [Int32] = []

    /// What this relay has too much of.
    var givingUp: [Int32] = []

    /// - Parameters:
    ///   - owner: who plans.
    ///   - held: the shards that it knows to have, with their epochs.
    ///   - shards: as the database shows them.
    ///   - relays: the leases of all relays, this one's included.
    init(of owner: String, holding held: [Int32: Int64], shards: [OutboxShard], relays: [LeaseState]) {
        let living = Set(relays.filter { $0.remaining > .zero }.map(\.lease.owner)).union([owner]).sorted()
        let rank = living.firstIndex(of: owner) ?? 0
        let share = shards.count / living.count + (rank < shards.count % living.count ? 1 : 0)
        let own = shards.filter { $0.owner == owner }
        givingUp = own.dropFirst(share).map(\.number)
        // Its former self's shards count as its own; under a new epoch, so that batch numbers go on rising.
        taking = own.prefix(share).filter { held[$0.number] != $0.epoch }.map(\.number)
        let missing = share - min(own.count, share)
        let free = shards.filter { shard in shard.owner.map { !living.contains($0) } ?? true }.prefix(missing)
        taking += free.map(\.number)
        let dead = Set(free.compactMap(\.owner))
        fencing = relays.map(\.lease).filter { dead.contains($0.owner) }
    }
}

/// What a relay knows of its own right to work: its lease, until when that surely lasts, and the shards it has.
///
/// A value without I/O. Times are durations on the relay's own clock, which only has to run as fast as the database's.
struct HeldShards: Sendable {
    /// The relay's lease; every transaction of its proves it anew.
    let lease: Lease

    /// Until when nobody can have taken the lease, whatever the database says meanwhile.
    private(set) var deadline: Duration

    /// Each shard with its epoch and how many batches were made in it.
    private var shards: [Int32: (epoch: Int64, made: Int64)] = [:]

    /// The outbox's identity, as of the last look.
    var outbox = ""

    /// Set when the database may hold open batches that the relay does not know of.
    var mayHaveOpenBatches = false

    init(lease: Lease, asOf time: Duration, lasting duration: Duration) {
        self.lease = lease
        deadline = time + duration
    }

    /// The shards' numbers in order.
    var numbers: [Int32] { shards.keys.sorted() }

    /// The shards with their epochs.
    var epochs: [Int32: Int64] { shards.mapValues(\.epoch) }

    /// Notes a renewal that was asked for at that time. A renewal may leave up to a third of the duration unrenewed.
    mutating func renewed(asOf time: Duration, lasting duration: Duration) {
        deadline = max(deadline, time + duration * 2 / 3)
    }

    /// Whether something may be sent at that time: nobody else can be at work on these shards.
    func maySend(at time: Duration) -> Bool { time < deadline }

    /// Notes which shards the relay has now; so many batches were `made` in those that are new.
    mutating func hold(_ taken: [OutboxShard], givingUp: [Int32], made: Int64 = 0) {
        for number in givingUp { shards[number] = nil }
        for shard in taken {
            shards[shard.number] = (shard.epoch, made)
            mayHaveOpenBatches = true
        }
    }

    /// Shards whose next batches need another epoch: half of the numbers of this one are used.
    var exhausted: [Int32] { shards.filter { $0.value.made >= Self.usualBatches }.keys.sorted() }

    private static let usualBatches: Int64 = 1 << 31

    /// Numbers for the next batch of each of these shards. None is given twice, whether or not it is used: nobody can
    /// know whether a transaction that failed has not been committed all the same.
    mutating func nextBatches() -> [OutboxBatch] {
        numbers.map { number in
            let (epoch, made) = shards[number] ?? (0, 0)
            precondition(made >> 32 == 0, "shard \(number) was not given anew in time")
            shards[number] = (epoch, made + 1)
            return OutboxBatch(shard: number, number: epoch << 32 | made)
        }
    }
}

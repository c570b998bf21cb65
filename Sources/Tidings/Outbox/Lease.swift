/// The right to do something alone for a while, for example to relay a database's outbox.
public struct Lease: Hashable, Sendable {
    /// What it is for.
    public var name: String

    /// Who holds it.
    public var owner: String

    /// Rises whenever the lease changes hands, so that a former owner can be told from the present one.
    public var epoch: Int64

    /// For so long after its end a store keeps it, so that who held it finds out that somebody else did since.
    package static let remembrance = Duration.seconds(24 * 3600)

    /// A lease as a store keeps it.
    public init(name: String, owner: String, epoch: Int64) {
        self.name = name
        self.owner = owner
        self.epoch = epoch
    }
}

/// The wish to hold a lease for a while from now, by the database's clock.
public struct LeaseRequest: Hashable, Sendable {
    /// What the lease is for.
    public var name: String

    /// Who wants it.
    public var owner: String

    /// How long it lasts from now unless it is renewed.
    public var duration: Duration

    /// Set to renew the lease of this epoch; nil to take the lease anew.
    public var epoch: Int64?

    /// A wish for a lease.
    public init(name: String, owner: String, duration: Duration, epoch: Int64? = nil) {
        self.name = name
        self.owner = owner
        self.duration = duration
        self.epoch = epoch
    }
}

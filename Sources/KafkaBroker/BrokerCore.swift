import KafkaProtocol
import Logging
import NIOCore

/// What all connections share. Each member guards its own state; this only ties them together.
struct BrokerCore: Sendable {
    let live: LiveConfiguration
    let clusterID: String
    let topics: TopicStore
    let cleaner: Cleaner
    let groups: GroupCoordinator
    let transactions: TransactionCoordinator
    let producerIDs: ProducerIDs
    let threads: StorageThreads
    /// Of all connections together.
    let memory: MemoryBudget
    let routes: [APIKey: Route]
    let logger: Logger
    /// Milliseconds since 1970.
    let wallClock: @Sendable () -> Int64

    /// As it is now.
    var configuration: BrokerConfiguration { live.current }

    /// The address that a client is told: the one advertised, or else the one at which it has just reached the broker.
    func advertisedAddress(for connection: ConnectionInfo) -> HostAndPort {
        configuration.advertise ?? connection.local
    }
}

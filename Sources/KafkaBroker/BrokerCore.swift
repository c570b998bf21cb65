import KafkaProtocol
import Logging
import NIOCore

/// What all connections share. Each member guards its own state; this only ties them together.
struct BrokerCore: Sendable {
    let configuration: BrokerConfiguration
    let clusterID: String
    let topics: TopicStore
    let groups: GroupCoordinator
    let producerIDs: ProducerIDs
    let threads: StorageThreads
    let routes: [APIKey: Route]
    let logger: Logger
    /// Milliseconds since 1970.
    let wallClock: @Sendable () -> Int64

    /// The address that clients are told, seen from a connection that reached the broker at `localPort`.
    func advertisedAddress(localPort: Int) -> HostAndPort {
        if let advertised = configuration.advertise { return advertised }
        let host = configuration.listen.host
        let isWildcard = host == "0.0.0.0" || host == "::"
        return HostAndPort(host: isWildcard ? HostName.current : host, port: localPort)
    }
}

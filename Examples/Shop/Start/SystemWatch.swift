import Logging
import Tidings

/// Asks all parts of the shop how they stand; what it learnt is good for a moment, however many readers there are.
actor SystemWatch {
    static let freshness: Duration = .milliseconds(250)
    /// The services that consume the topic, in the order in which they are shown.
    static let groups = ["shipping", "invoicing"]

    private let ports: Ports
    private let list: ProcessList
    private let topic: TopicWatch
    private let logger: Logger
    private var last: (state: SystemState, at: ContinuousClock.Instant)?
    /// Grows when what was learnt no longer counts.
    private var generation = 0
    private var told = Chronicle()

    init(ports: Ports, list: ProcessList, topic: TopicWatch, logger: Logger) {
        self.ports = ports
        self.list = list
        self.topic = topic
        self.logger = logger
    }

    func state() async -> SystemState {
        if let last, .now - last.at < Self.freshness { return last.state }
        let generation = generation
        let state = await ask()
        told.note(state)
        if generation == self.generation { last = (state, .now) }
        return state
    }

    /// What has happened since this process looks.
    var chronicle: [Chronicle.Entry] { told.entries }

    /// Forgets what was learnt, for someone who has just changed something.
    func forget() {
        last = nil
        generation += 1
    }

    private func ask() async -> SystemState {
        let all = list.read()
        async let orders = answer(OrderStatus.self, ports.orders)
        async let shipments = answer(ConsumerStatus.self, ports.shipments)
        async let invoices = answer(ConsumerStatus.self, ports.invoices)
        async let statistics = answer(StatisticsStatus.self, ports.statistics, "/statistics")
        async let partitions = partitions(all)
        return await SystemState(
            processes: all.filter { $0.pid != nil }, down: all.filter { $0.pid == nil }, orders: orders,
            shipments: shipments, invoices: invoices, statistics: statistics, topic: topic.topic, partitions: partitions
        )
    }

    /// Whoever knows that the broker is away does not wait for its answer.
    private func partitions(_ processes: [ProcessEntry]) async -> [PartitionState]? {
        if processes.contains(where: { $0.role == "broker" && ($0.pid == nil || !$0.isReady) }) { return nil }
        return await topic.partitions(services: Self.groups)
    }

    private func answer<T: Decodable & Sendable>(_ type: T.Type, _ port: Int, _ path: String = "/status") async -> T? {
        do {
            return try await HTTPClient(port: port).get(type, path)
        } catch {
            logger.debug("no answer", metadata: ["port": "\(port)", "error": "\(error)"])
            return nil
        }
    }
}

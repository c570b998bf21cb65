import Logging
import Tidings

/// How the shop stands; what it learnt is good for a moment, however many readers there are.
actor SystemWatch {
    static let freshness: Duration = .milliseconds(250)
    /// The services that consume the topic, in the order in which they are shown.
    static let groups = ["shipping", "invoicing"]

    private let look: @Sendable () async -> SystemState
    private var last: (state: SystemState, at: ContinuousClock.Instant)?
    /// Grows when what was learnt no longer counts, nor what is being learnt.
    private var generation = 0
    private var isLooking = false
    /// Those who want to know what somebody else is looking at.
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var told = Chronicle()

    /// - Parameter look: asks all parts how they stand.
    init(look: @escaping @Sendable () async -> SystemState) {
        self.look = look
    }

    /// One looks for all: what came of two looks could be told in the wrong order.
    func state() async -> SystemState {
        while isLooking { await withCheckedContinuation { waiting.append($0) } }
        if let last, .now - last.at < Self.freshness { return last.state }
        isLooking = true
        let generation = generation
        let state = await look()
        if generation == self.generation {
            told.note(state)
            last = (state, .now)
            endLook()
        }
        return state
    }

    /// What has happened since this process looks.
    var chronicle: [Chronicle.Entry] { told.entries }

    /// Forgets what was learnt, for someone who has just changed something.
    func forget() {
        last = nil
        generation += 1
        endLook()
    }

    private func endLook() {
        isLooking = false
        for one in waiting { one.resume() }
        waiting = []
    }
}

/// Asks all parts of the shop how they stand.
struct SystemLook: Sendable {
    let ports: Ports
    let list: ProcessList
    let topic: TopicWatch
    let logger: Logger

    func callAsFunction() async -> SystemState {
        let all = list.read()
        async let orders = answer(OrderStatus.self, ports.orders)
        async let shipments = answer(ConsumerStatus.self, ports.shipments)
        async let invoices = answer(ConsumerStatus.self, ports.invoices)
        async let statistics = answer(StatisticsStatus.self, ports.statistics, "/statistics")
        async let partitions = partitions(all)
        var state = await SystemState(
            processes: all.filter { $0.pid != nil }, down: all.filter { $0.pid == nil }, orders: orders,
            shipments: shipments, invoices: invoices, statistics: statistics, topic: topic.topic, partitions: partitions
        )
        for index in (state.partitions ?? []).indices {
            state.partitions?[index].note(state.shipments?.offsets ?? [:], by: "shipping")
            state.partitions?[index].note(state.invoices?.offsets ?? [:], by: "invoicing")
        }
        return state
    }

    /// Whoever knows that the broker is away does not wait for its answer.
    private func partitions(_ processes: [ProcessEntry]) async -> [PartitionState]? {
        if processes.contains(where: { $0.role == "broker" && ($0.pid == nil || !$0.isReady) }) { return nil }
        return await topic.partitions(services: SystemWatch.groups)
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

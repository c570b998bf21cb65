import Tidings

extension Deed {
    /// What it depends on whether a deed makes sense.
    struct Circumstances: Sendable {
        var state: SystemState
        /// Whether a stream of orders is running.
        var isStreaming: Bool
        /// Whether the broker is the demonstration's own.
        var hasBroker: Bool

        /// Whether a process is to run, also while it is being started again.
        fileprivate func wants(_ name: String) -> Bool {
            (state.processes + state.down).contains { $0.name == name && !$0.isStopped }
        }

        fileprivate var hasKafka: Bool { !hasBroker || wants("broker-1") }
        fileprivate var usesOutbox: Bool { state.orders?.sending == .outbox }
    }

    /// Whether it can be done as things stand: of starting and stopping the one that applies, and nothing that would wait
    /// for a Kafka that somebody has stopped.
    func makesSense(_ circumstances: Circumstances) -> Bool {
        switch self {
        case .stream: !circumstances.isStreaming
        case .endStream: circumstances.isStreaming
        case .killRelay: circumstances.usesOutbox && circumstances.hasKafka
        case .killBetween, .move: circumstances.usesOutbox || circumstances.hasKafka
        case .compare, .compact, .rebuild: circumstances.hasKafka
        case .killBroker, .stopBroker: circumstances.hasBroker && circumstances.wants("broker-1")
        case .startBroker: circumstances.hasBroker && !circumstances.wants("broker-1")
        case .stopShipping: circumstances.wants("shipping-1")
        case .startShipping: !circumstances.wants("shipping-1")
        case .removeInvoicing: circumstances.wants("invoicing-3")
        case .addInvoicing: !circumstances.wants("invoicing-3")
        case .order, .killOrder, .killInvoicing1, .killInvoicing2: true
        }
    }
}

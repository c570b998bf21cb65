import NIOCore

/// What the broker does now and then, each thing at an interval that may change while it runs. Confined to one event loop;
/// the work itself must not block it.
final class Housekeeping: Sendable {
    /// Something to be done again and again.
    struct Chore: Sendable {
        /// How often, in milliseconds.
        var interval: @Sendable (BrokerConfiguration) -> Int64
        var work: @Sendable () -> Void
    }

    private struct Turn {
        var interval: Int64
        /// When it was done last, or could have been.
        var last: NIODeadline
        var timer: Scheduled<Void>?
    }

    private let eventLoop: any EventLoop
    private let live: LiveConfiguration
    private let chores: [Chore]
    private let turns: NIOLoopBoundBox<[Turn]>

    init(_ chores: [Chore], live: LiveConfiguration, on eventLoop: any EventLoop) {
        self.chores = chores
        self.live = live
        self.eventLoop = eventLoop
        turns = .makeBoxSendingValue([], eventLoop: eventLoop)
    }

    /// Begins; an interval that is altered later counts from the last turn on.
    func start() {
        eventLoop.execute {
            self.turns.value = self.chores.map { _ in Turn(interval: .max, last: .now()) }
            self.schedule(self.live.current)
        }
        live.onChange { [weak self] changed in
            guard let self else { return }
            self.eventLoop.execute { self.schedule(changed) }
        }
    }

    func stop() {
        eventLoop.execute {
            for turn in self.turns.value { turn.timer?.cancel() }
            self.turns.value = []
        }
    }

    private func schedule(_ configuration: BrokerConfiguration) {
        for index in turns.value.indices {
            let interval = chores[index].interval(configuration)
            guard interval != turns.value[index].interval else { continue }
            turns.value[index].interval = interval
            schedule(index)
        }
    }

    private func schedule(_ index: Int) {
        turns.value[index].timer?.cancel()
        let due = turns.value[index].last + .milliseconds(turns.value[index].interval)
        turns.value[index].timer = eventLoop.scheduleTask(deadline: max(due, .now())) {
            guard self.turns.value.indices.contains(index) else { return }
            self.turns.value[index].last = .now()
            self.chores[index].work()
            self.schedule(index)
        }
    }
}

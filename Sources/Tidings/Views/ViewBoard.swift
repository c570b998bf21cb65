import Logging

/// A view's board, and what is told when the view becomes ready.
struct ViewBoard<State: Sendable>: Sendable {
    private let name: String
    private let board: Board<ViewCore<State>>
    private let metrics: ViewMetrics
    private let logger: Logger

    init(_ name: String, _ live: ViewCore<State>.Edition, metrics: ViewMetrics, logger: Logger) {
        self.name = name
        self.metrics = metrics
        self.logger = logger
        board = Board(ViewCore(live: live))
    }

    /// Looks at what the view holds.
    func withCore<R: Sendable>(_ body: (ViewCore<State>) throws -> R) rethrows -> R { try board.withCore(body) }

    /// Changes anything but an edition's state.
    func change<R: Sendable>(_ body: (inout ViewCore<State>) throws -> R) rethrows -> R { try board.update(body) }

    /// Changes an edition, has it take over if it is due, and tells those who waited for that.
    ///
    /// - Returns: false when there is no such edition any more.
    @discardableResult
    func update(_ number: Int, _ body: (inout ViewCore<State>.Edition) throws -> Void) rethrows -> Bool {
        let (isKnown, becameReady) = try board.update { core in
            let before = core.live.timeToReady
            let isKnown = try core.edit(number) { edition in
                try body(&edition)
                if edition.tracker.isReady, edition.timeToReady == nil { edition.timeToReady = .now - edition.start }
            }
            core.swapIfReady()
            return (isKnown, before == nil ? core.live.timeToReady : nil)
        }
        if let becameReady {
            metrics.ready(after: becameReady)
            logger.info("a view is ready", metadata: ["view": "\(name)", "after": "\(becameReady)"])
        }
        return isKnown
    }

    /// Waits until the view is ready, or includes a record.
    func wait(for condition: ViewCore<State>.Condition) async throws { try await board.wait(for: condition) }

    /// The same, for so long.
    ///
    /// - Throws: ``TidingsError/Code/viewNotReady`` when the time is up.
    func wait(for place: RecordPlace, within limit: Duration, _ clock: any Clock<Duration>) async throws {
        try await board.wait(
            for: .includes(place), within: limit, clock, orThrow: .tooLate(name, place, limit))
    }

    /// The view holds nothing new any more: whoever waits is told.
    func end(_ error: TidingsError) { board.end(error) }
}

extension TidingsError {
    static func tooLate(_ view: String, _ place: RecordPlace, _ limit: Duration) -> TidingsError {
        TidingsError(.viewNotReady, "the view \(view) did not come to \(place) within \(limit)", isRetriable: true)
    }
}

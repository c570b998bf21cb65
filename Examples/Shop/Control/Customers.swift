import Foundation
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization
import Tidings

/// Customers as the demonstration plays them: they order something at random, one by one or in a stream, over the same
/// address as everybody else, and note how long they had to wait.
final class Customers: Service {
    static let streamSeconds = 30
    static let rates = [5, 20, 100]

    enum Outcome: Sendable {
        case placed(milliseconds: Int64)
        /// It is not placed, for this reason.
        case refused(String)
        /// It is placed, and its event is lost.
        case lost(String)
        /// It may be placed: the order service ended, or did not answer.
        case unknown(String)
    }

    /// What has become of the latest stream's orders.
    struct Account: Sendable {
        var isRunning = false
        /// Orders a second.
        var rate = Customers.rates[1]
        var placed = 0
        var refused = 0
        var lost = 0
        var unknown = 0

        var sentence: String {
            let rest = [
                (refused, "refused"), (lost, "placed whose event is lost"), (unknown, "left without an answer"),
            ]
            return "\(Readable.count(placed, "order")) placed"
                + rest.filter { $0.0 > 0 }.map { ", \($0.0.grouped()) \($0.1)" }.joined() + "."
        }

        fileprivate mutating func count(_ outcome: Outcome) {
            switch outcome {
            case .placed: placed += 1
            case .refused: refused += 1
            case .lost: lost += 1
            case .unknown: unknown += 1
            }
        }
    }

    private struct Plan: Sendable {
        let number: Int
        let rate: Int
    }

    private let ports: Ports
    private let measurements: Measurements
    /// How the order service sends at the moment, if it says so.
    private let sending: @Sendable () async -> Sending?
    private let plans: AsyncStream<Plan>
    private let continuation: AsyncStream<Plan>.Continuation
    private let state = Mutex<(number: Int, account: Account)>((0, Account()))
    /// Asked to place many at a time, at most so many wait for their answers.
    private static let mostAtOnce = 16

    init(ports: Ports, measurements: Measurements, sending: @escaping @Sendable () async -> Sending?) {
        self.ports = ports
        self.measurements = measurements
        self.sending = sending
        (plans, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var account: Account { state.withLock { $0.account } }

    /// Starts a stream in place of the one that runs, if any.
    ///
    /// - Returns: its rate, which is the nearest that a stream may have.
    func startStream(rate: Int) -> Int {
        let plan = state.withLock { state in
            state.number += 1
            state.account = Account(isRunning: true, rate: max(1, min(rate, 200)))
            return Plan(number: state.number, rate: state.account.rate)
        }
        continuation.yield(plan)
        return plan.rate
    }

    func endStream() {
        state.withLock { state in
            state.number += 1
            state.account.isRunning = false
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { [plans] in
            for await plan in plans { await self.play(plan) }
        }
    }

    private func play(_ plan: Plan) async {
        let start = ContinuousClock.now
        let end = start + .seconds(Self.streamSeconds)
        await withTaskGroup(of: Outcome.self) { orders in
            var placed = 0
            while isCurrent(plan), !Task.isCancelled {
                let due = start + .seconds(Double(placed) / Double(plan.rate))
                if due >= end { break }
                if due > .now { try? await Task.sleep(until: due) }
                if placed >= Self.mostAtOnce, let outcome = await orders.next() { count(outcome, of: plan) }
                orders.addTask { await self.place(OrderID.make()) }
                placed += 1
            }
            for await outcome in orders { count(outcome, of: plan) }
        }
        state.withLock { if $0.number == plan.number { $0.account.isRunning = false } }
    }

    private func isCurrent(_ plan: Plan) -> Bool { state.withLock { $0.number == plan.number } }

    private func count(_ outcome: Outcome, of plan: Plan) {
        state.withLock { state in
            guard state.number == plan.number || !state.account.isRunning else { return }
            state.account.count(outcome)
        }
    }

    /// Orders something at random, under this number.
    ///
    /// - Parameter comparison: the one that it belongs to, if any.
    func place(_ id: String, in comparison: Measurements.Comparison? = nil) async -> Outcome {
        let client = HTTPClient(port: ports.orders, timeout: .seconds(15))
        let sending = await sending()
        if let sending { measurements.placing(id, sending, in: comparison) }
        let wish: Data
        do {
            // Whoever has been removed does not order any more.
            let customers = try await client.get([CustomerEntry].self, "/customers")
            guard let customer = customers.randomElement() else { return .refused("There are no customers.") }
            wish = try JSON.encode(Self.wish(id, of: customer.id))
        } catch {
            return .refused("The order service does not answer: \(error).")
        }
        let start = ContinuousClock.now
        let answer: (status: Int, body: ByteBuffer)
        do {
            answer = try await client.exchange(.POST, "/orders", body: wish)
        } catch {
            return .unknown("The order service did not answer: \(error).")
        }
        guard answer.status < 300 else {
            let body = try? JSON.decode(ErrorBody.self, from: answer.body)
            let reason = body?.error ?? "The order service answered \(answer.status)."
            return switch body?.code {
            case .lost: .lost(reason)
            case .ghost, nil: .refused(reason)
            case .unknown: .unknown(reason)
            }
        }
        let time = ContinuousClock.now - start
        measurements.placed(id, after: time)
        return .placed(milliseconds: Int64(time / .milliseconds(1)))
    }

    private static func wish(_ id: String, of customer: Int) -> NewOrder {
        let places = [
            Address(street: "St James’s Square 12", zip: "SW1Y 4JH", city: "London"),
            Address(street: "Unter den Linden 6", zip: "10117", city: "Berlin"),
            Address(street: "Nuenen 31", zip: "5671 AA", city: "Nuenen"),
        ]
        let place = places[Int.random(in: places.indices)]
        return NewOrder(
            id: id, customerId: customer,
            lines: (0..<Int.random(in: 1...3)).map { _ in
                .init(itemId: Int.random(in: 1...8), count: Int.random(in: 1...4))
            },
            shippingAddress: place, billingAddress: place)
    }
}

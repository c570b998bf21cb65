import KafkaClient
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import TidingsTesting

@testable import Tidings

@Suite("Where snapshots of views are kept")
struct SnapshotPlaceTests {
    private struct Passing: Error {}

    private let at = TopicPartition("t", 0)

    private func load(_ snapshots: ViewSnapshots<Int>, topics: [String] = ["t"]) async throws -> ViewSnapshots<Int>
        .Loaded?
    {
        var configuration = ViewConfiguration()
        configuration.backoff = Backoff(first: .milliseconds(1), longest: .milliseconds(1))
        let found = try await snapshots.load(
            for: "v", topics: topics, configuration, ContinuousClock(), .silent)
        guard case .usable(let loaded) = found else { return nil }
        return loaded
    }

    private func state(_ snapshots: ViewSnapshots<Int>, topics: [String] = ["t"]) async throws -> Int? {
        try await load(snapshots, topics: topics)?.state
    }

    private func save(
        _ state: Int, _ positions: [TopicPartition: Int64], in snapshots: ViewSnapshots<Int>, overNewer: Bool = false
    ) async -> Bool {
        await snapshots.save(
            state, positions, for: "v", overNewer: overNewer, ViewMetrics(view: "v"), .silent)
    }

    /// Runs a test with a file and with a database.
    private func withPlaces(_ body: (SnapshotPlace) async throws -> Void) async throws {
        let folder = try TemporaryDirectory.make(prefix: "tidings-place")
        defer { try? TemporaryDirectory.remove(folder) }
        try await body(.file(folder + "/v.view"))
        try await body(.database(InMemoryStore()))
    }

    @Test("a snapshot of less history does not take the place of one of more, unless it is told to")
    func olderStaysOut() async throws {
        try await withPlaces { place async throws in
            let snapshots = ViewSnapshots<Int>.json(in: place, version: 1)
            let other = TopicPartition("t", 1)
            #expect(await save(1, [at: 5, other: 5], in: snapshots))
            #expect(await !save(2, [at: 8, other: 1], in: snapshots))
            #expect(try await state(snapshots) == 1)
            #expect(await save(3, [at: 5, other: 5], in: snapshots))
            #expect(await save(4, [at: 4, other: 7], in: snapshots))
            #expect(try await state(snapshots) == 4)
            #expect(await save(5, [at: 1], in: snapshots, overNewer: true))
            #expect(try await state(snapshots) == 5)
        }
    }

    @Test("one of another version, of other topics, or that is none at all gives way")
    func othersGiveWay() async throws {
        try await withPlaces { place async throws in
            let snapshots = ViewSnapshots<Int>.json(in: place, version: 1)
            #expect(await save(1, [at: 5], in: snapshots))
            let next = ViewSnapshots<Int>.json(in: place, version: 2)
            #expect(await save(2, [at: 1], in: next))
            #expect(try await state(next) == 2)
            #expect(await save(3, [TopicPartition("u", 0): 0], in: next))
            #expect(try await state(next, topics: ["u"]) == 3)
            _ = try await place.replace(Array("tidview1 and no more".utf8), "v") { _ in false }
            #expect(try await state(next) == nil)
            #expect(await save(4, [at: 0], in: next))
            #expect(try await state(next) == 4)
        }
    }

    @Test("a place that refuses for the moment is asked again; what will not pass counts as a snapshot of no use")
    func asksAgain() async throws {
        let database = SnapshotPlace.database(InMemoryStore())
        _ = await save(7, [at: 3], in: .json(in: database, version: 1))
        let refusals = Mutex(3)
        var place = SnapshotPlace(description: "a test's") { view in
            let refuses = refusals.withLock { left in
                left -= 1
                return left >= 0
            }
            if refuses { throw Passing() }
            return try await database.read(view)
        } replace: {
            try await database.replace($0, $1, $2)
        }
        place.passes = { $0 is Passing }
        let loaded = try await load(.json(in: place, version: 1))
        #expect(loaded?.state == 7 && loaded?.positions == [at: 3])
        refusals.withLock { $0 = 1 }
        place.passes = { _ in false }
        #expect(try await state(.json(in: place, version: 1)) == nil)
        #expect(try await state(.json(in: place, version: 1)) == 7)
    }

    @Test("a database that is away passes by itself, if its store says so")
    func awayPasses() async throws {
        let store = InMemoryStore()
        store.isAvailable = false
        let place = SnapshotPlace.database(store)
        let error = await #expect(throws: InMemoryStore.Unavailable.self) { try await place.read("v") }
        let passes = try place.passes(#require(error))
        #expect(passes && !place.passes(Passing()))
    }

    @Test("a view that waits for its snapshot is shut down in peace", .timeLimit(.minutes(1)))
    func shutdown() async throws {
        let asked = Latch()
        var place = SnapshotPlace(description: "a test's") { _ in
            asked.open()
            throw Passing()
        } replace: { _, _, _ in
            false
        }
        place.passes = { $0 is Passing }
        let view = View(
            "v", of: ["t"], initial: 0, kafka: KafkaConfiguration("127.0.0.1:1"),
            snapshots: .json(in: place, version: 1), logger: .silent)
        let services = ServiceGroup(services: [view], logger: .silent)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await services.run() }
            await asked.wait()
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
        let error = await #expect(throws: TidingsError.self) { try await view.ready() }
        #expect(error?.code == .viewStopped && error?.cause == nil)
    }

    @Test("removing a view's snapshot removes those of its partitions, and no other view's")
    func removal() async throws {
        let store = InMemoryStore()
        let others = ["orders/x", "orders/07", "orders/+1", "orders/-1", "orders/", "orders2", "orders/1/2", "order"]
        for name in ["orders", "orders/0", "orders/17"] + others {
            try await store.transaction { try store.keepSnapshot([1], of: name, in: $0) }
        }
        try await SnapshotPlace.removeSnapshot(of: "orders", from: store)
        let left = try await store.transaction { try store.viewsWithSnapshots(in: $0) }
        #expect(left.sorted() == others.sorted())
    }
}

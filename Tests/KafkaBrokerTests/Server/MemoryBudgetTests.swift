import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import Synchronization
import Testing

@testable import KafkaBroker

@Suite("Memory of all connections", .timeLimit(.minutes(1)))
struct MemoryBudgetTests {
    private final class Somebody {}

    private func budget(_ bytes: Int) throws -> MemoryBudget {
        let files = SimulatedFileSystem(seed: 1)
        try files.createDirectories("d")
        var configuration = BrokerConfiguration(dataDirectory: "d")
        configuration.maxQueuedBytes = bytes
        let metadata = try MetadataStore(directory: "d", files: files)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return MemoryBudget(live: LiveConfiguration(start: configuration, metadata: metadata, logger: logger))
    }

    @Test("whoever waits is told when there is room again, and not before")
    func tellsWaiters() throws {
        let budget = try budget(100)
        let people = [Somebody(), Somebody(), Somebody()]
        let accounts = people.map { budget.open(for: ObjectIdentifier($0)) }
        let told = Atomic(0)
        accounts[0].hold(60, hasMoved: false)
        #expect(budget.room == 40)
        accounts[1].hold(50, hasMoved: false)
        #expect(budget.isExhausted)
        budget.whenRoom(for: ObjectIdentifier(people[2])) { told.add(1, ordering: .relaxed) }
        accounts[0].hold(50, hasMoved: false)
        #expect(told.load(ordering: .relaxed) == 0)
        accounts[0].hold(49, hasMoved: false)
        #expect(told.load(ordering: .relaxed) == 1)
        budget.close(for: ObjectIdentifier(people[1]))
        #expect(told.load(ordering: .relaxed) == 1 && budget.bytes == 49)
        budget.whenRoom(for: ObjectIdentifier(people[2])) { told.add(1, ordering: .relaxed) }
        #expect(told.load(ordering: .relaxed) == 2)
    }

    @Test("the largest of those who get nowhere is found, while there is no room")
    func findsTheStuck() throws {
        let budget = try budget(100)
        let people = [Somebody(), Somebody(), Somebody()]
        let accounts = people.map { budget.open(for: ObjectIdentifier($0)) }
        let later = NIODeadline.now().uptimeNanoseconds + 1_000_000_000_000
        accounts[0].hold(30, hasMoved: false)
        accounts[1].hold(60, hasMoved: false)
        #expect(budget.stuck(for: 10, now: later) == nil)
        accounts[2].hold(20, hasMoved: true)
        #expect(budget.stuck(for: 10, now: later) == ObjectIdentifier(people[1]))
        #expect(budget.stuck(for: 2_000_000_000_000, now: later) == nil)
    }

    @Test("peers that send halves of requests hold up their neighbours only for a while")
    func survivesHalfRequests() async throws {
        func limit(_ configuration: inout BrokerConfiguration) {
            configuration.maxRequestBytes = 1 << 20
            configuration.maxQueuedBytes = 2 << 20
            configuration.maxQueuedWait = 50
        }
        try await withTestBroker(limit) { broker in
            let neighbour = try await broker.connect()
            try await neighbour.create("t")
            let half = [0x00, 0x0F, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 1_000_000)
            var hostile: [TestClient] = []
            for _ in 0..<4 {
                let client = try await broker.connect()
                // The broker stops reading, so that not all of it is sent.
                client.channel.writeAndFlush(ByteBuffer(bytes: half), promise: nil)
                hostile.append(client)
            }
            for number in 0..<20 {
                let answer = try await neighbour.produce(["\(number)"], to: "t")
                #expect(answer.baseOffset == Int64(number))
            }
            while !broker.messages.contains(where: { $0.contains("holds the most memory") }) {
                _ = try await neighbour.fetch("t", from: 20, maxWaitMs: 20, minBytes: 1)
            }
            #expect(try await values(in: neighbour.fetch("t").records).count == 20)
            for client in hostile { try? await client.close() }
        }
    }

    @Test("a limit without room for one request is refused")
    func refusesTooLittle() async throws {
        await #expect(throws: BrokerError.self) {
            try await withTestBroker({ $0.maxQueuedBytes = 1 << 20 }) { _ in }
        }
    }
}

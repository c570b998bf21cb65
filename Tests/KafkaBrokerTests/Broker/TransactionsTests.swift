import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

@Suite("Transactions through the broker", .timeLimit(.minutes(1)))
struct TransactionsTests {
    @Test("commit and abort, in every version of the requests", arguments: 0...4 as ClosedRange<Int16>)
    func goesThrough(version: Int16) async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            let producer = try await client.transactional("x", version: version)
            #expect(try await producer.produce("early", to: "t", sequence: 0) == .invalidTxnState)
            for (number, commit) in [true, false, true].enumerated() {
                #expect(try await producer.add("t", [0, 1], version: min(version, 3)) == .none)
                let sequence = Int32(number)
                #expect(try await producer.produce("\(number)", to: "t", sequence: sequence) == .none)
                #expect(try await producer.produce("\(number)", to: "t", partition: 1, sequence: sequence) == .none)
                #expect(try await producer.commitOffset(Int64(number), of: "t", group: "g", version: version) == .none)
                #expect(try await producer.end(commit: commit, version: version) == .none)
                let expected: Int64 = commit ? Int64(number) : 0
                #expect(try await client.offsets("t", [0], group: "g", version: 7) == [expected])
            }
            for partition: Int32 in 0...1 {
                let committed = try await client.fetch(committed: "t", partition: partition)
                #expect(committed.abortedTransactions?.map(\.firstOffset) == [2])
                #expect(committed.lastStableOffset == 6)
                #expect(try values(in: committed.records, without: committed.abortedTransactions) == ["0", "2"])
            }
        }
    }

    @Test("what is open is not read, nor is anything behind it, until it is decided; then who waits is woken")
    func holdsBack() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let producer = try await client.transactional("x")
            #expect(try await producer.add("t", [0]) == .none)
            #expect(try await producer.produce("open", to: "t", sequence: 0) == .none)
            _ = try await client.produce(["behind"], to: "t")
            #expect(try await client.fetch(committed: "t").records?.readableBytes == 0)
            #expect(try values(in: try await client.fetch("t").records) == ["open", "behind"])
            #expect(try await client.latest("t", committed: true) == 0)
            #expect(try await client.latest("t", committed: false) == 2)
            let reader = try await broker.connect()
            try await reader.write(committedFetch("t", maxWaitMs: 50_000), version: 11)
            #expect(try await producer.end(commit: true) == .none)
            let woken = try await reader.receive(FetchRequest.self, version: 11).responses.first?.partitions.first
            #expect(try values(in: woken?.records, without: woken?.abortedTransactions) == ["open", "behind"])
            #expect(try await client.latest("t", committed: true) == 3)
        }
    }

    @Test("a producer that comes again aborts what it left open, and its earlier self can do nothing more")
    func fencesZombies() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t", partitions: 2)
            let zombie = try await client.transactional("x")
            #expect(try await zombie.add("t", [0]) == .none)
            #expect(try await zombie.produce("zombie", to: "t", sequence: 0) == .none)
            let successor = try await client.transactional("x")
            #expect(try await zombie.produce("zombie", to: "t", sequence: 1) == .invalidProducerEpoch)
            #expect(try await zombie.produce("zombie", to: "t", partition: 1, sequence: 0) == .invalidProducerEpoch)
            #expect(try await zombie.add("t", [1], version: 1) == .invalidProducerEpoch)
            #expect(try await zombie.add("t", [1], version: 3) == .producerFenced)
            #expect(try await zombie.end(commit: true) == .producerFenced)
            #expect(try await zombie.commitOffset(5, of: "t", group: "g") == .producerFenced)
            #expect(try await successor.add("t", [0]) == .none)
            #expect(try await successor.produce("successor", to: "t", sequence: 0) == .none)
            #expect(try await successor.end(commit: true) == .none)
            let read = try await client.fetch(committed: "t")
            #expect(try values(in: read.records, without: read.abortedTransactions) == ["successor"])
        }
    }

    @Test("one that takes too long is aborted by the broker")
    func timesOut() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            let (producer, topic) = try await tooLate(client)
            // Waits in the broker until the abort marker is there.
            try await client.write(committedFetch(topic, maxWaitMs: 50_000), version: 11)
            let read = try await client.receive(FetchRequest.self, version: 11).responses.first?.partitions.first
            #expect(try values(in: read?.records, without: read?.abortedTransactions) == [])
            #expect(read?.abortedTransactions?.count ?? 1 == 1)
            #expect(try await producer.end(commit: true) == .producerFenced)
        }
    }

    /// A producer with too little time left, and the topic that has a record of its. On a slow machine the time may be
    /// over before the record is there: then another topic, and more time.
    private func tooLate(_ client: TestClient) async throws -> (TransactionalClient, topic: String) {
        var timeout: Int32 = 50
        while true {
            let topic = "t\(timeout)"
            try await client.create(topic)
            let producer = try await client.transactional("x", timeout: timeout)
            if try await producer.add(topic, [0]) == .none,
                try await producer.produce("late", to: topic, sequence: 0) == .none
            {
                return (producer, topic)
            }
            timeout *= 2
        }
    }

    @Test("offsets in a running transaction are unstable for those who ask, and found again after a restart")
    func keepsPendingOffsets() async throws {
        try await withTestBroker(files: SimulatedFileSystem(seed: 4)) { broker in
            var client = try await broker.connect()
            try await client.create("t")
            #expect(try await client.commit(["t": [0: 1]], group: "g") == [.none])
            var producer = try await client.transactional("x")
            #expect(try await producer.commitOffset(5, of: "t", group: "g") == .none)
            for round in 0..<2 {
                #expect(try await client.offsets("t", [0], group: "g", version: 7) == [1])
                #expect(try await client.stableOffset("t", group: "g").errorCode == .unstableOffsetCommit)
                guard round == 0 else { break }
                try await broker.restart()
                client = try await broker.connect()
                producer.client = client
            }
            #expect(try await producer.end(commit: true) == .none)
            #expect(try await client.stableOffset("t", group: "g").committedOffset == 5)
            try await broker.restart()
            let again = try await broker.connect()
            #expect(try await again.offsets("t", [0], group: "g", version: 7) == [5])
        }
    }

    @Test("a member that was replaced commits no offsets, within a transaction either")
    func checksMembers() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let member = try await client.joinAlone("g")
            let producer = try await client.transactional("x")
            let stranger = try await producer.commitOffset(
                5, of: "t", group: "g", member: "nobody", generation: member.generationID)
            #expect(stranger == .unknownMemberID)
            let old = try await producer.commitOffset(
                5, of: "t", group: "g", member: member.memberID, generation: member.generationID - 1)
            #expect(old == .illegalGeneration)
            let own = try await producer.commitOffset(
                5, of: "t", group: "g", member: member.memberID, generation: member.generationID)
            #expect(own == .none)
        }
    }

    @Test("a power cut between the decision and the markers takes nothing back", arguments: [true, false])
    func finishesAfterPowerCut(commit: Bool) async throws {
        let files = SimulatedFileSystem(seed: 7)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let producer = try await client.transactional("x")
            #expect(try await producer.add("t", [0]) == .none)
            #expect(try await producer.produce("a", to: "t", sequence: 0) == .none)
            #expect(try await producer.commitOffset(1, of: "t", group: "g") == .none)
            let reached = Latch(), goOn = Latch()
            files.onSyncs { path, moment in
                guard path.contains("/t-0/"), moment == .before else { return }
                reached.open()
                goOn.wait()
            }
            try await client.write(producer.endRequest(commit: commit), version: 3)
            reached.wait()
            // Decided, and the marker is about to be synced.
            files.cutPower()
            files.onSyncs(nil)
            goOn.open()
            try? await broker.stop()
            try await broker.start()
            let again = try await broker.connect()
            try await again.write(committedFetch("t", maxWaitMs: 50_000), version: 11)
            let read = try await again.receive(FetchRequest.self, version: 11).responses.first?.partitions.first
            #expect(try values(in: read?.records, without: read?.abortedTransactions) == (commit ? ["a"] : []))
            var resumed = producer
            resumed.client = again
            while try await resumed.end(commit: commit) == .concurrentTransactions {}
            #expect(try await again.offsets("t", [0], group: "g", version: 7) == [commit ? 1 : -1])
        }
    }

    @Test("partitions that do not exist are refused with all others of the request")
    func refusesUnknownPartitions() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            let producer = try await client.transactional("x")
            let answer = try await producer.addEach("t", [0, 7])
            #expect(answer == [.operationNotAttempted, .unknownTopicOrPartition])
            #expect(try await producer.add("__consumer_offsets", [0]) == .unknownTopicOrPartition)
            #expect(try await producer.produce("a", to: "t", sequence: 0) == .invalidTxnState)
            var stranger = producer
            stranger.producer.id += 1
            #expect(try await stranger.add("t", [0]) == .invalidProducerIDMapping)
            stranger.id = "unknown"
            #expect(try await stranger.end(commit: true) == .invalidProducerIDMapping)
        }
    }

    @Test("a topic that is deleted while a transaction has records there does not hold its end up")
    func survivesDeletion() async throws {
        try await withTestBroker { broker in
            let client = try await broker.connect()
            try await client.create("t")
            try await client.create("u")
            let producer = try await client.transactional("x")
            #expect(try await producer.add("t", [0]) == .none)
            #expect(try await producer.add("u", [0]) == .none)
            #expect(try await producer.produce("a", to: "u", sequence: 0) == .none)
            _ = try await client.send(DeleteTopicsRequest { $0.topicNames = ["t"] }, version: 5)
            #expect(try await producer.end(commit: true) == .none)
            let read = try await client.fetch(committed: "u")
            #expect(try values(in: read.records, without: read.abortedTransactions) == ["a"])
        }
    }
}

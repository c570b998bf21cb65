import KafkaLog
import KafkaProtocol
import NIOCore
import Testing

@testable import KafkaBroker

/// Producers with two transactional ids, their zombies, a coordinator whose writes and markers take their time, real
/// partition logs on a simulated disk, and power cuts in between, in every order that a seed makes up.
@Suite("Transactions under any schedule")
struct TransactionScheduleTests {
    @Test("no committed record is lost, none of an aborted or open transaction is read", arguments: 1...60)
    func keepsItsPromises(seed: UInt64) throws {
        var world = try TransactionWorld(seed: seed)
        for number in 0..<1200 {
            try world.step()
            if number % 10 == 0 { try world.checkReadable() }
        }
        try world.settle()
        try world.checkOutcome()
        #expect(world.committedCount > 0, "seed \(seed) proves nothing")
    }
}

private struct TransactionWorld {
    /// One transaction as its producer sees it.
    private struct Attempt {
        enum Outcome { case open, wantsCommit, committed, aborted }
        var values: Set<String> = []
        var outcome = Outcome.open
    }

    private struct Producer {
        var id: String
        var name: InternalLog.Producer?
        var partitions: Set<TopicPartition> = []
        var sequences: [TopicPartition: Int32] = [:]
        var attempt: Int?
        var waiting: TransactionTicket?
        var isDead = false
    }

    private static let names = (0..<2).map { TopicPartition(topic: "t", partition: Int32($0)) }

    private let seed: UInt64
    private var random: SplitMix
    private let files: SimulatedFileSystem
    private var logs: [TopicPartition: PartitionLog] = [:]
    private let registry = Registry()
    private var transactions: [String: Transaction] = [:]
    /// The coordinator's log: what is on disk, and what is on its way there.
    private var stored: [(id: String, image: Transaction.Image?)] = []
    private var unwritten: [(id: String, image: Transaction.Image?, revision: UInt64)] = []
    private var markers: [(id: String, producer: InternalLog.Producer, isCommit: Bool, left: [TopicPartition])] = []
    private var answers: [TransactionTicket: TransactionAnswer] = [:]
    private var producers: [Producer] = []
    private var attempts: [Attempt] = []
    private var now: Milliseconds = 1_000_000
    private var lastTicket: UInt64 = 0
    private var lastID: Int64 = 0
    private var lastValue = 0

    /// A new registry after each start; what it refuses is asked through a reference.
    private final class Registry: Sendable {
        let current = TransactionRegistry()
    }

    var committedCount: Int { attempts.count { $0.outcome == .committed && !$0.values.isEmpty } }

    init(seed: UInt64) throws {
        self.seed = seed
        random = SplitMix(state: seed)
        files = SimulatedFileSystem(seed: seed)
        try openLogs()
    }

    private mutating func openLogs() throws {
        var configuration = LogConfiguration()
        configuration.segmentBytes = 1500
        for name in Self.names {
            logs[name] = try PartitionLog.open(
                directory: "\(name.topic)-\(name.partition)", configuration: configuration, files: files)
        }
    }

    private mutating func roll(_ sides: Int) -> Int { Int(random.next() % UInt64(sides)) }

    // MARK: A step

    mutating func step() throws {
        switch roll(20) {
        case 0 where producers.count < 2 || (producers.count < 4 && roll(5) == 0):
            // Two with the same id fence each other off; the first two have ids of their own and get something done.
            producers.append(Producer(id: "id-\(producers.count % 2)"))
        case 1: now += Milliseconds(roll(4_000))
        case 2 where roll(4) == 0: try cutPower()
        case 3...5: persistNext(error: roll(12) == 0 ? .coordinatorNotAvailable : .none)
        case 6...8: try markNext()
        default:
            guard !producers.isEmpty else { return }
            try act(roll(producers.count))
        }
        for id in transactions.keys.sorted() { change(id) { transaction, now in transaction.tick(now: now) } }
    }

    private mutating func act(_ index: Int) throws {
        var producer = producers[index]
        guard !producer.isDead else {
            // Its process is started again, but not at once: two that keep fencing each other off get nothing done.
            if roll(15) == 0 { producers[index] = Producer(id: producer.id) }
            return
        }
        if let ticket = producer.waiting {
            guard let answer = answers.removeValue(forKey: ticket) else { return }
            producer.waiting = nil
            take(answer, &producer)
        } else if producer.name == nil {
            producer.waiting = ask(producer.id) { [lastID] transaction, ticket, now in
                transaction.initialise(
                    TransactionInit(timeout: 8_000), freshID: lastID + 1, ticket: ticket, now: now)
            }
            lastID += 1
        } else if let attempt = producer.attempt {
            try goOn(&producer, attempt)
        } else {
            attempts.append(Attempt())
            producer.attempt = attempts.count - 1
            producer.partitions = []
        }
        producers[index] = producer
    }

    private mutating func goOn(_ producer: inout Producer, _ attempt: Int) throws {
        guard let name = producer.name else { return }
        let isEnding = attempts[attempt].outcome != .open
        let partition = Self.names[roll(2)]
        if isEnding || (!producer.partitions.isEmpty && roll(4) == 0) {
            if !isEnding { attempts[attempt].outcome = roll(3) == 0 ? .aborted : .wantsCommit }
            let isCommit = attempts[attempt].outcome == .wantsCommit
            producer.waiting = ask(producer.id) { transaction, ticket, now in
                transaction.end(isCommit: isCommit, by: name, ticket: ticket, now: now)
            }
        } else if producer.partitions.contains(partition) {
            try produce(&producer, name, attempt, to: partition)
        } else {
            producer.partitions.insert(partition)
            producer.waiting = ask(producer.id) { transaction, ticket, now in
                transaction.add([partition], by: name, ticket: ticket, now: now)
            }
        }
    }

    private mutating func produce(
        _ producer: inout Producer, _ name: InternalLog.Producer, _ attempt: Int, to partition: TopicPartition
    ) throws {
        lastValue += 1
        let value = "\(lastValue)"
        let sequence = producer.sequences[partition, default: 0]
        var builder = RecordBatchBuilder(
            producerID: name.id, producerEpoch: name.epoch, baseSequence: sequence, isTransactional: true)
        builder.append(timestamp: 1, key: nil, value: ByteBuffer(string: value))
        do {
            let registry = registry.current
            _ = try logs[partition]?.append(
                try builder.build(), transactions: { registry.refusal(producerID: $0, epoch: $1, in: partition) })
            try logs[partition]?.flush()
            attempts[attempt].values.insert(value)
            producer.sequences[partition] = sequence + 1
        } catch {
            // Fenced, or its transaction was ended for it.
            producer.isDead = true
        }
    }

    /// What a producer makes of an answer; after anything that is not to be repeated it is a dead one.
    private mutating func take(_ answer: TransactionAnswer, _ producer: inout Producer) {
        switch answer.error {
        case .none where producer.name == nil:
            producer.name = answer.producer
        case .none:
            guard let attempt = producer.attempt else { return }
            switch attempts[attempt].outcome {
            case .wantsCommit:
                attempts[attempt].outcome = .committed
                producer.attempt = nil
            case .aborted: producer.attempt = nil
            case .open, .committed: break
            }
        case .concurrentTransactions, .coordinatorNotAvailable:
            // It asks again; for a partition it has to ask again too.
            if let attempt = producer.attempt, attempts[attempt].outcome == .open { producer.partitions = [] }
        default:
            producer.isDead = true
        }
    }

    // MARK: The coordinator's surroundings

    private mutating func ask(
        _ id: String, _ event: (inout Transaction, TransactionTicket, Milliseconds) -> [TransactionEffect]
    ) -> TransactionTicket {
        lastTicket += 1
        let ticket = TransactionTicket(rawValue: lastTicket)
        if transactions[id] == nil { transactions[id] = Transaction(id: id) }
        change(id) { transaction, now in event(&transaction, ticket, now) }
        return ticket
    }

    private mutating func change(_ id: String, _ event: (inout Transaction, Milliseconds) -> [TransactionEffect]) {
        guard var transaction = transactions[id] else { return }
        let effects = event(&transaction, now)
        transactions[id] = transaction
        if transaction.image.producerID >= 0 {
            registry.current.set(transaction.image.producer, partitions: transaction.openPartitions)
        }
        for effect in effects {
            switch effect {
            case .answer(let ticket, let answer): answers[ticket] = answer
            case .persist(let image, let revision): unwritten.append((id, image, revision))
            case .mark(let producer, let isCommit, let partitions):
                markers.append((id, producer, isCommit, partitions.sorted()))
            }
        }
    }

    private mutating func persistNext(error: ErrorCode = .none) {
        guard !unwritten.isEmpty else { return }
        let (id, image, revision) = unwritten.removeFirst()
        if error == .none { stored.append((id, image)) }
        guard revision > 0 else { return }
        change(id) { transaction, now in transaction.persisted(revision: revision, error: error, now: now) }
    }

    /// Writes one marker of one transaction; whoever gets the last one is told.
    private mutating func markNext() throws {
        guard !markers.isEmpty else { return }
        let index = roll(markers.count)
        if let partition = markers[index].left.popLast() {
            let batch = try EndTransactionMarker(isCommit: markers[index].isCommit).batch(
                producerID: markers[index].producer.id, producerEpoch: markers[index].producer.epoch, timestamp: 1)
            _ = try logs[partition]?.append(batch, origin: .coordinator)
            try logs[partition]?.flush()
        }
        guard markers[index].left.isEmpty else { return }
        let id = markers.remove(at: index).id
        change(id) { transaction, now in transaction.marked(except: [], now: now) }
    }

    private mutating func cutPower() throws {
        files.cutPower()
        // Of what was on its way, the first so many records reached the disk.
        for (id, image, _) in unwritten.prefix(roll(unwritten.count + 1)) { stored.append((id, image)) }
        unwritten = []
        markers = []
        try openLogs()
        transactions = [:]
        for (id, image) in Dictionary(stored.map { ($0.id, $0.image) }, uniquingKeysWith: { $1 })
            .sorted(by: { $0.key < $1.key })
        {
            guard let image else { continue }
            transactions[id] = Transaction(id: id)
            change(id) { transaction, _ in transaction.restore(image) }
        }
        for index in producers.indices where producers[index].waiting != nil {
            // The answer never comes: the producer asks again.
            if let ticket = producers[index].waiting, answers[ticket] == nil {
                answers[ticket] = TransactionAnswer(error: .coordinatorNotAvailable)
            }
        }
    }

    /// Nobody dies any more, everybody finishes, and what is left open is aborted in time.
    mutating func settle() throws {
        for _ in 0..<400 {
            persistNext()
            try markNext()
            for index in producers.indices
            where !producers[index].isDead && (producers[index].attempt != nil || producers[index].waiting != nil) {
                try act(index)
            }
            for id in transactions.keys.sorted() { change(id) { transaction, now in transaction.tick(now: now) } }
        }
        for _ in 0..<3 {
            now += 10_000
            for id in transactions.keys.sorted() { change(id) { transaction, now in transaction.tick(now: now) } }
            while !unwritten.isEmpty || !markers.isEmpty {
                persistNext()
                try markNext()
            }
        }
    }

    // MARK: What must hold

    private func readCommitted() throws -> [String] {
        try Self.names.flatMap { name -> [String] in
            guard let log = logs[name] else { return [] }
            let end = log.lastStableOffset
            var found: [String] = []
            var offset = log.logStartOffset
            while offset < end {
                let records = try log.read(from: offset, maxBytes: 1 << 20, upTo: end)
                var batches = RecordBatches(records)
                while let batch = try batches.next() { offset = batch.header.nextOffset }
                let aborted = log.abortedTransactions(from: 0, before: end).map { aborted in
                    FetchResponse.AbortedTransaction { entry in
                        entry.producerID = aborted.producerID
                        entry.firstOffset = aborted.firstOffset
                    }
                }
                var first = RecordBatches(records)
                let start = try first.next()?.header.baseOffset ?? 0
                found += try values(
                    in: records,
                    without: aborted.filter { entry in
                        log.abortedTransactions(from: start, before: end)
                            .contains { $0.firstOffset == entry.firstOffset }
                    })
            }
            return found
        }
    }

    /// At any moment: a record is read only if its producer wanted the commit.
    func checkReadable() throws {
        let readable = Set(try readCommitted())
        for attempt in attempts where attempt.outcome == .open || attempt.outcome == .aborted {
            #expect(attempt.values.isDisjoint(with: readable), "seed \(seed): read what was not committed")
        }
    }

    /// In the end: nothing is undecided, nothing doubled, and of each transaction all is read or nothing.
    func checkOutcome() throws {
        try checkReadable()
        let all = try readCommitted()
        let readable = Set(all)
        #expect(all.count == readable.count, "seed \(seed): read twice")
        for name in Self.names {
            #expect(logs[name]?.lastStableOffset == logs[name]?.logEndOffset, "seed \(seed): something stays undecided")
        }
        for attempt in attempts where attempt.outcome == .committed {
            #expect(attempt.values.isSubset(of: readable), "seed \(seed): lost what was committed")
        }
        for attempt in attempts where attempt.outcome == .wantsCommit {
            let read = attempt.values.intersection(readable).count
            #expect(read == 0 || read == attempt.values.count, "seed \(seed): committed in part")
        }
    }
}

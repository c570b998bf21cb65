import KafkaProtocol
import Testing

@testable import KafkaBroker

@Suite("A transaction")
struct TransactionTests {
    private let here: Set = [TopicPartition(topic: "t", partition: 0)]

    @Test(
        "begins with its first partition, is decided on disk before a marker is written, and ends with the last marker")
    func goesThrough() {
        var driver = TransactionDriver()
        let producer = driver.begin(here)
        #expect(driver.transaction.openPartitions == here)
        let ticket = driver.end(producer, commit: true)
        #expect(driver.transaction.status == .ongoing)
        #expect(driver.markers.isEmpty)
        driver.persistAll()
        #expect(driver.transaction.status == .prepareCommit)
        #expect(driver.transaction.openPartitions.isEmpty)
        #expect(driver.markers == [.mark(producer, isCommit: true, here)])
        #expect(driver.answers[ticket] == nil)
        driver.mark()
        #expect(driver.answers[ticket]?.error == ErrorCode.none)
        #expect(driver.transaction.status == .completeCommit)
        // The next one need not wait for the disk to hear of that.
        let next = driver.add(here, producer)
        driver.persistAll()
        #expect(driver.answers[next]?.error == ErrorCode.none)
        #expect(driver.stored.last??.status == .ongoing)
    }

    @Test("that ended can be told so again, but not otherwise")
    func endsOnce() {
        for commit in [true, false] {
            var driver = TransactionDriver()
            let producer = driver.begin(here)
            _ = driver.end(producer, commit: commit)
            #expect(driver.error(of: driver.end(producer, commit: commit)) == .concurrentTransactions)
            driver.settle()
            #expect(driver.error(of: driver.end(producer, commit: commit)) == ErrorCode.none)
            #expect(driver.error(of: driver.end(producer, commit: !commit)) == .invalidTxnState)
        }
        var driver = TransactionDriver()
        let producer = driver.initialise()
        #expect(driver.error(of: driver.end(producer, commit: true)) == .invalidTxnState)
    }

    @Test("that is decided takes nothing more, and the other decision neither")
    func isDecidedOnce() {
        var driver = TransactionDriver()
        let producer = driver.begin(here)
        _ = driver.end(producer, commit: true)
        driver.persistAll()
        #expect(driver.error(of: driver.end(producer, commit: false)) == .invalidTxnState)
        #expect(driver.error(of: driver.end(producer, commit: true)) == .concurrentTransactions)
        #expect(driver.error(of: driver.add(here, producer)) == .concurrentTransactions)
        #expect(driver.error(of: driver.send(initialiseWith: nil)) == .concurrentTransactions)
    }

    @Test("of a producer that comes again is aborted first, and the earlier producer is fenced")
    func isAbortedBySuccessor() {
        var driver = TransactionDriver()
        let first = driver.begin(here)
        #expect(driver.error(of: driver.send(initialiseWith: nil)) == .concurrentTransactions)
        driver.settle()
        #expect(driver.transaction.status == .completeAbort)
        #expect(driver.transaction.image.epoch == first.epoch + 1)
        let second = driver.initialise()
        #expect(second.id == first.id)
        #expect(second.epoch == first.epoch + 2)
        #expect(driver.error(of: driver.add(here, first)) == .producerFenced)
        #expect(driver.error(of: driver.end(first, commit: true)) == .producerFenced)
    }

    @Test("that takes longer than its producer said is aborted, and the producer is fenced")
    func timesOut() {
        var driver = TransactionDriver()
        let producer = driver.begin(here)
        #expect(driver.transaction.nextDeadline == 60_000)
        driver.pass(59_999)
        #expect(driver.transaction.status == .ongoing)
        driver.pass(1)
        driver.settle()
        #expect(driver.transaction.status == .completeAbort)
        #expect(driver.error(of: driver.end(producer, commit: true)) == .producerFenced)
    }

    @Test("goes on after a restart: a running one as it was, a decided one with its markers")
    func survives() {
        var driver = TransactionDriver()
        let producer = driver.begin(here)
        driver.restart()
        #expect(driver.transaction.openPartitions == here)
        _ = driver.end(producer, commit: true)
        driver.persistAll()
        driver.restart()
        #expect(driver.markers == [.mark(producer, isCommit: true, here)])
        driver.settle()
        #expect(driver.transaction.status == .completeCommit)
    }

    @Test("stays as it was when a transition cannot be written; the request is told and may come again")
    func survivesFailedWrites() {
        var driver = TransactionDriver()
        let producer = driver.begin(here)
        let ticket = driver.end(producer, commit: true)
        driver.persistAll(error: .coordinatorNotAvailable)
        #expect(driver.answers[ticket]?.error == .coordinatorNotAvailable)
        #expect(driver.transaction.status == .ongoing)
        #expect(driver.transaction.openPartitions == here)
        _ = driver.end(producer, commit: true)
        driver.settle()
        #expect(driver.transaction.status == .completeCommit)
    }

    @Test("that is decided answers though a marker cannot be written, and writes it when the disk is well")
    func writesMarkersLater() {
        var driver = TransactionDriver()
        let producer = driver.begin(here)
        let ticket = driver.end(producer, commit: true)
        driver.persistAll()
        driver.mark(except: here)
        #expect(driver.answers[ticket]?.error == ErrorCode.none)
        #expect(driver.transaction.status == .prepareCommit)
        #expect(driver.error(of: driver.add(here, producer)) == .concurrentTransactions)
        driver.pass(1_000)
        driver.settle()
        #expect(driver.transaction.status == .completeCommit)
    }

    @Test("producer that missed an answer gets the same epoch again; one that is behind is fenced")
    func resumes() {
        var driver = TransactionDriver()
        let first = driver.initialise()
        let second = driver.initialise(known: first)
        #expect(second.epoch == first.epoch + 1)
        #expect(driver.initialise(known: first) == second)
        let third = driver.initialise(known: second)
        #expect(driver.error(of: driver.send(initialiseWith: first)) == .producerFenced)
        #expect(third.epoch == second.epoch + 1)
    }

    @Test("producer id that has used up its epochs is replaced")
    func replacesProducerID() {
        var driver = TransactionDriver()
        let first = driver.initialise()
        driver.transaction.image.epoch = Transaction.lastEpoch
        let next = driver.initialise()
        #expect(next.id != first.id)
        #expect(next.epoch == 0)
    }

    @Test("id that nobody uses is forgotten in the end; one with a running transaction is not")
    func isForgotten() {
        var driver = TransactionDriver()
        _ = driver.initialise()
        driver.pass(driver.transaction.limits.expiration)
        driver.settle()
        #expect(driver.transaction.isForgotten)
        #expect(driver.stored.last == .some(nil))
    }

    @Test("cannot be longer than the broker allows")
    func refusesTimeouts() {
        var driver = TransactionDriver()
        for timeout: Milliseconds in [0, -5, 900_001] {
            #expect(driver.error(of: driver.send(initialiseWith: nil, timeout: timeout)) == .invalidTransactionTimeout)
        }
    }

    @Test("is read back from its record as it was written")
    func isStored() throws {
        var image = Transaction.Image(producerID: 7, epoch: 3, timeout: 60_000, status: .prepareAbort)
        image.partitions = [
            TopicPartition(topic: "a", partition: 2), TopicPartition(topic: "a", partition: 0),
            TopicPartition(topic: "b", partition: 1),
        ]
        image.startTime = 5
        image.lastUpdate = 6
        let entry = try TransactionRecord(id: "x", image: image).encoded()
        #expect(try TransactionRecord(key: entry.key, value: entry.value) == TransactionRecord(id: "x", image: image))
        #expect(try TransactionRecord(key: entry.key, value: nil).image == nil)
    }
}

/// Drives a transactional id by hand: a clock that only the test moves, writes and markers that are done on demand.
struct TransactionDriver {
    var transaction = Transaction(id: "x")
    var now: Milliseconds = 0
    /// By reference, so that `error(of: driver.end(…))` sees what the call brought.
    private final class Answers { var all: [TransactionTicket: TransactionAnswer] = [:] }
    private let answered = Answers()
    var answers: [TransactionTicket: TransactionAnswer] { answered.all }
    private(set) var stored: [Transaction.Image?] = []
    private(set) var markers: [TransactionEffect] = []
    private var unwritten: [(image: Transaction.Image?, revision: UInt64)] = []
    private var lastTicket: UInt64 = 0
    private var lastID: Int64 = 100

    mutating func carryOut(_ effects: [TransactionEffect]) {
        for effect in effects {
            switch effect {
            case .answer(let ticket, let answer):
                precondition(answers[ticket] == nil, "answered twice")
                answered.all[ticket] = answer
            case .persist(let image, let revision): unwritten.append((image, revision))
            case .mark: markers.append(effect)
            }
        }
    }

    mutating func persistAll(error: ErrorCode = .none) {
        while !unwritten.isEmpty {
            let (image, revision) = unwritten.removeFirst()
            if error == .none { stored.append(image) }
            if revision > 0 { carryOut(transaction.persisted(revision: revision, error: error, now: now)) }
        }
    }

    mutating func mark(except failed: Set<TopicPartition> = []) {
        guard !markers.isEmpty else { return }
        markers.removeFirst()
        carryOut(transaction.marked(except: failed, now: now))
    }

    mutating func settle() {
        persistAll()
        mark()
        persistAll()
    }

    mutating func pass(_ time: Milliseconds) {
        now += time
        carryOut(transaction.tick(now: now))
    }

    /// The broker is killed and started again: what is not on disk is gone.
    mutating func restart() {
        unwritten = []
        markers = []
        transaction = Transaction(id: "x")
        if let last = stored.last, let image = last { carryOut(transaction.restore(image)) }
    }

    private mutating func ticket() -> TransactionTicket {
        lastTicket += 1
        return TransactionTicket(rawValue: lastTicket)
    }

    mutating func send(
        initialiseWith known: InternalLog.Producer?, timeout: Milliseconds = 60_000
    ) -> TransactionTicket {
        let ticket = ticket()
        lastID += 1
        carryOut(
            transaction.initialise(
                TransactionInit(timeout: timeout, known: known), freshID: lastID, ticket: ticket, now: now))
        return ticket
    }

    mutating func initialise(known: InternalLog.Producer? = nil) -> InternalLog.Producer {
        let ticket = send(initialiseWith: known)
        persistAll()
        return answers[ticket]?.producer ?? InternalLog.Producer(id: -1, epoch: -1)
    }

    mutating func add(_ partitions: Set<TopicPartition>, _ producer: InternalLog.Producer) -> TransactionTicket {
        let ticket = ticket()
        carryOut(transaction.add(partitions, by: producer, ticket: ticket, now: now))
        return ticket
    }

    mutating func begin(_ partitions: Set<TopicPartition>) -> InternalLog.Producer {
        let producer = initialise()
        _ = add(partitions, producer)
        persistAll()
        return producer
    }

    mutating func end(_ producer: InternalLog.Producer, commit: Bool) -> TransactionTicket {
        let ticket = ticket()
        carryOut(transaction.end(isCommit: commit, by: producer, ticket: ticket, now: now))
        return ticket
    }

    func error(of ticket: TransactionTicket) -> ErrorCode? { answers[ticket]?.error }
}

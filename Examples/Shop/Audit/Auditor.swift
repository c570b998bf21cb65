import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import Tidings

/// The running audit: gathers evidence, round by round, and judges it.
///
/// The order of questions makes the judgement fair. Orders first; then whether the order service or its outbox still hold
/// anything that old; then the topic's end. An order that is not in the topic before *that* end is lost. A reader is asked
/// how far it is before its effects are read. So a stopped reader is behind, and nothing is called lost that is on its way.
actor Auditor: Service {
    private let ports: Ports
    private let reading: TopicReading
    private let topic: TopicWatch
    private let logger: Logger
    private var evidence = AuditEvidence()
    private var lastSequence = 0
    private var documents: [String: Documents] = [:]

    private(set) var report = AuditReport()

    /// What one ledger holds, as far as it was read.
    private struct Documents {
        var lastNumber = 0
        /// In the order of their numbers.
        var numbers: [Int: LedgerEntry] = [:]
        var cancellations: [OrderCancellation] = []
    }

    private static let pageSize = 2000
    /// Numbers may become visible in another order than they were given: so many are read again.
    private static let overlap = 100

    init(ports: Ports, reading: TopicReading, topic: TopicWatch, logger: Logger) {
        self.ports = ports
        self.reading = reading
        self.topic = topic
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let before = Self.processorTime()
                await self.look()
                // A tenth of a processor at most is spent on it; to wait for an answer costs nothing.
                try? await Task.sleep(for: max(.seconds(1), (Self.processorTime() - before) * 9))
            }
        }
    }

    /// What this process has used up so far.
    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }

    /// One round.
    func look() async {
        do {
            let hasKafka = try await gather()
            var report = evidence.judge()
            report.judgedAt = Timestamp.now().rfc3339
            report.waitsFor = hasKafka ? nil : "Kafka does not answer"
            self.report = report
        } catch {
            report.waitsFor = "\(error)"
        }
    }

    /// What is known of one order, for those who follow a finding.
    func history(of order: String) -> OrderHistory {
        OrderHistory(
            order: order, isAccepted: evidence.accepted[order] != nil, isDeleted: evidence.deleted[order] != nil,
            findings: report.findings.filter { $0.order == order },
            sightings: evidence.sightings.filter { $0.order == order },
            readers: evidence.readers.map { reader in
                (reader.name, reader.effects.filter { $0.order == order }.map { $0.event })
            })
    }

    /// Without Kafka nobody is past more than before, and nothing more counts as sent; what has arrived is still seen.
    ///
    /// - Returns: whether Kafka answers.
    private func gather() async throws -> Bool {
        let begun = Timestamp.now().millisecondsSince1970
        let oldestCall = try await status().oldestCallAt
        try await readOrders()
        let asked = Timestamp.now().millisecondsSince1970
        let status = try await status()
        let partitions = await topic.partitions(services: SystemWatch.groups)
        // Whoever looks meanwhile sees what was known before.
        var readers = SystemWatch.groups.map { group in
            AuditEvidence.Reader(
                name: group,
                handledUpTo: partitions.map { Self.handled(group, $0) }
                    ?? evidence.readers.first { $0.name == group }?.handledUpTo)
        }
        readers[0].effects = try await effects(of: "shipping", ports.shipments, "/shipments")
        readers[1].effects = try await effects(of: "invoicing", ports.invoices, "/invoices")
        readers.append(try await statistics())
        evidence.readers = readers
        let (new, offsets) = reading.sightings(from: evidence.sightings.count)
        evidence.sightings += new
        evidence.writtenBefore = min(oldestCall ?? begun, begun)
        guard let partitions else { return false }
        let isRead = partitions.allSatisfy { $0.endOffset <= offsets[$0.partition] ?? 0 }
        if isRead, status.outboxParked == 0 {
            evidence.sentBefore = min(status.oldestWaitingAt ?? asked, status.oldestCallAt ?? asked)
        }
        return true
    }

    private static func handled(_ group: String, _ partitions: [PartitionState]) -> [Int: Int64] {
        partitions.reduce(into: [:]) { handled, partition in
            handled[partition.partition] =
                partition.endOffset - (partition.owner(in: group)?.lag ?? partition.endOffset)
        }
    }

    // MARK: Questions

    private func ask<T: Decodable & Sendable>(_ type: T.Type, _ port: Int, _ path: String, _ who: String) async throws
        -> T
    {
        do {
            return try await HTTPClient(port: port, timeout: .seconds(5), answerLimit: 64 << 20).get(type, path)
        } catch {
            logger.debug("no answer", metadata: ["path": "\(path)", "error": "\(error)"])
            throw HTTPClient.Failure(description: "\(who) does not answer")
        }
    }

    private func status() async throws -> OrderStatus {
        try await ask(OrderStatus.self, ports.orders, "/status", "the order service")
    }

    private func readOrders() async throws {
        var after = max(0, lastSequence - Self.overlap)
        while true {
            let orders = try await ask(
                [OrderSummary].self, ports.orders, "/orders?after=\(after)&limit=\(Self.pageSize)", "the order service")
            let now = Timestamp.now().millisecondsSince1970
            for order in orders where evidence.accepted[order.id] == nil { evidence.accepted[order.id] = now }
            after = orders.last?.sequence ?? after
            lastSequence = max(lastSequence, after)
            if orders.count < Self.pageSize { break }
        }
        let deleted = try await ask([String].self, ports.orders, "/deletions", "the order service")
        let now = Timestamp.now().millisecondsSince1970
        for order in deleted where evidence.deleted[order] == nil {
            evidence.deleted[order] = now
            // It may have come and gone between two rounds.
            if evidence.accepted[order] == nil { evidence.accepted[order] = now }
        }
    }

    /// What a ledger has made of the topic so far.
    private func effects(
        of name: String, _ port: Int, _ path: String
    ) async throws -> [(event: EventID, order: String)] {
        var known = documents[name] ?? Documents()
        // Asked first: whoever was heard of the cancellation has the document.
        known.cancellations = try await ask([OrderCancellation].self, port, "/cancellations", path)
        var after = max(0, known.lastNumber - Self.overlap)
        while true {
            let page = try await ask([LedgerEntry].self, port, "\(path)?after=\(after)&limit=\(Self.pageSize)", path)
            for entry in page { known.numbers[entry.number] = entry }
            after = page.last?.number ?? after
            known.lastNumber = max(known.lastNumber, after)
            if page.count < Self.pageSize { break }
        }
        documents[name] = known
        let made = known.numbers.values.map { (at: $0.createdAt, AuditEvidence.placed($0.orderId), $0.orderId) }
        let cancelled = known.cancellations.map {
            (at: $0.cancelledAt, AuditEvidence.cancelled($0.orderId), $0.orderId)
        }
        return (made + cancelled).sorted { $0.at < $1.at }.map { ($0.1, $0.2) }
    }

    private func statistics() async throws -> AuditEvidence.Reader {
        let counted = try await ask(CountedOrders.self, ports.statistics, "/statistics/orders", "statistics")
        return AuditEvidence.Reader(
            name: "statistics",
            effects: counted.orders.map { (AuditEvidence.placed($0), $0) }
                + counted.cancelled.map { (AuditEvidence.cancelled($0), $0) },
            handledUpTo: counted.offsets)
    }
}

/// A document as far as an audit cares.
private struct LedgerEntry: Decodable, Sendable {
    var number: Int
    var orderId: String
    var createdAt: String
}

/// What is known of one order.
struct OrderHistory: Sendable {
    let order: String
    let isAccepted: Bool
    let isDeleted: Bool
    /// What the latest judgement says of it.
    let findings: [AuditReport.Entry]
    let sightings: [Sighting]
    let readers: [(name: String, effects: [EventID])]

    var isKnown: Bool { isAccepted || !sightings.isEmpty || readers.contains { !$0.effects.isEmpty } }
}

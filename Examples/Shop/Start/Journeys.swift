import Logging
import ServiceLifecycle
import Tidings

/// The ways that the latest orders' events took, and how long each part of it lasted. All of it was measured: by the
/// writer's clock when it happened, by this process when it was in Kafka, by each reader when it was handled.
actor Journeys: Service {
    /// A part of a way, as a dot in the picture travels it.
    struct Motion: Encodable, Sendable {
        let number: Int
        let order: String
        /// The line in the picture: `outbox-3`, `direct-3` or `shipping-1-3`.
        let way: String
        let kind: String
        let milliseconds: Int64
    }

    struct Journey: Sendable {
        let order: String
        var partition: Int?
        var offset: Int64?
        var isThroughOutbox = true
        /// From happening to being in Kafka; nil when that was not seen as it happened.
        var visibleAfter: Int64?
        /// From happening to being handled, by reader.
        var handled: [String: Handling] = [:]

        /// Whether there is something to show: its event was read, and a part of its way was measured.
        fileprivate var isKnown: Bool { partition != nil && (visibleAfter != nil || !handled.isEmpty) }
    }

    private struct Document: Decodable {
        var number: Int
        var orderId: String
        var handling: Handling
    }

    /// What was learnt is good for so long, however many look.
    private static let freshness: Duration = .milliseconds(120)
    /// How often it is looked though nobody wants to know: what is not followed as it happens is not measured.
    private static let pace: Duration = .seconds(1)
    private static let kept = 400
    /// More than that at a time is not followed one by one.
    private static let pageSize = 300
    /// The readers in the order in which they are shown.
    static let readers = ["shipping", "invoicing", "statistics"]

    private let reading: TopicReading
    private let ports: Ports
    private let measurements: Measurements
    private let startedAt = Timestamp.now().millisecondsSince1970
    private var seen = 0
    private var lastNumbers: [String: Int] = [:]
    private var journeys: [String: Journey] = [:]
    private var orders: [String] = []
    private var motions: [Motion] = []
    private var motionCount = 0
    private var updatedAt: ContinuousClock.Instant?

    init(_ reading: TopicReading, ports: Ports, measurements: Measurements) {
        self.reading = reading
        self.measurements = measurements
        self.ports = ports
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.update()
                try? await Task.sleep(for: Self.pace)
            }
        }
    }

    /// The latest first.
    func latest(_ count: Int) async -> [Journey] {
        await update()
        return Array(orders.reversed().lazy.compactMap { self.journeys[$0] }.filter(\.isKnown).prefix(count))
    }

    /// The motions since a number, at most `limit` of them, and the number of the last one there is.
    func motions(since number: Int?, limit: Int) async -> (motions: [Motion], last: Int) {
        await update()
        guard let number else { return ([], motionCount) }
        return (Array(motions.drop { $0.number <= number }.prefix(limit)), motionCount)
    }

    private func update() async {
        if let updatedAt, .now - updatedAt < Self.freshness { return }
        updatedAt = .now
        look()
        async let shipped = documents("shipping", ports.shipments, "/shipments")
        async let invoiced = documents("invoicing", ports.invoices, "/invoices")
        async let counted = documents("statistics", ports.statistics, "/statistics/arrivals")
        for (reader, documents) in await [("shipping", shipped), ("invoicing", invoiced), ("statistics", counted)] {
            for document in documents { handled(document, by: reader) }
        }
        forget()
    }

    /// What is new in Kafka.
    private func look() {
        if seen == 0 { seen = max(0, reading.count - Self.kept) }
        let (new, _) = reading.sightings(from: seen)
        seen += new.count
        for sighting in new.suffix(Self.kept) where !sighting.isCancellation {
            var journey = journey(of: sighting.order)
            guard journey.partition == nil else { continue }
            (journey.partition, journey.offset) = (sighting.partition, sighting.offset)
            journey.isThroughOutbox = sighting.stamp != nil
            if let happened = sighting.happenedAt, happened >= startedAt {
                let after = max(0, sighting.seenAt - happened)
                journey.visibleAfter = after
                measurements.seen(sighting.order, after: after)
                let way = "\(journey.isThroughOutbox ? "outbox" : "direct")-\(sighting.partition)"
                move(sighting.order, way, "sent", after)
                for (reader, handling) in journey.handled { move(journey, handling, reader) }
            }
            journeys[sighting.order] = journey
        }
    }

    private func handled(_ document: Document, by reader: String) {
        var journey = journey(of: document.orderId)
        guard journey.handled.updateValue(document.handling, forKey: reader) == nil else { return }
        journeys[document.orderId] = journey
        move(journey, document.handling, reader)
    }

    private func move(_ journey: Journey, _ handling: Handling, _ reader: String) {
        guard let visible = journey.visibleAfter else { return }
        move(
            journey.order, "\(handling.instance)-\(handling.partition)", reader,
            max(0, handling.afterMilliseconds - visible))
    }

    private func move(_ order: String, _ way: String, _ kind: String, _ milliseconds: Int64) {
        motionCount += 1
        motions.append(Motion(number: motionCount, order: order, way: way, kind: kind, milliseconds: milliseconds))
    }

    private func journey(of order: String) -> Journey {
        if let known = journeys[order] { return known }
        orders.append(order)
        let new = Journey(order: order)
        journeys[order] = new
        return new
    }

    private func forget() {
        if orders.count > 2 * Self.kept {
            for order in orders.prefix(orders.count - Self.kept) { journeys[order] = nil }
            orders.removeFirst(orders.count - Self.kept)
        }
        if motions.count > 4 * Self.kept { motions.removeFirst(motions.count - 2 * Self.kept) }
    }

    /// What a reader has handled since it was last asked; nothing while it does not answer.
    private func documents(_ reader: String, _ port: Int, _ path: String) async -> [Document] {
        let client = HTTPClient(port: port)
        let after = lastNumbers[reader]
        let query = after.map { "?after=\($0)&limit=\(Self.pageSize)" } ?? "?limit=\(Self.pageSize)"
        guard var documents = try? await client.get([Document].self, path + query) else { return [] }
        if after == nil {
            documents.sort { $0.number < $1.number }
        } else if documents.count == Self.pageSize {
            // Too many to follow: go on with the latest.
            documents = (try? await client.get([Document].self, "\(path)?limit=\(Self.pageSize)")) ?? documents
            documents.sort { $0.number < $1.number }
        }
        let last = documents.last?.number ?? after ?? 0
        // A service without a database counts anew when it is started again.
        lastNumbers[reader] = last
        return documents
    }
}

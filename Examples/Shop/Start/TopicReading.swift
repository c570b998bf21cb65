import KafkaClient
import Logging
import ServiceLifecycle
import Tidings

/// One record of the order topic as an onlooker sees it.
struct Sighting: Sendable {
    var event: EventID
    var order: String
    var isCancellation: Bool
    var partition: Int
    var offset: Int64
    /// When it happened, by the writer's clock, in milliseconds since 1970.
    var happenedAt: Int64?
    /// When it was seen here; for what was there before, when it was read.
    var seenAt: Int64
    /// The outbox's stamp: one that came before is the same event, sent again. Nil when it was sent directly.
    var stamp: String?
}

/// The order topic, read from its first record on beside those who handle it: what really is in Kafka.
struct TopicReading: Sendable {
    struct Content: Sendable {
        var sightings: [Sighting] = []
        var sizes = Sizes()
        /// Behind the last record that was read, for each partition.
        var offsets: [Int: Int64] = [:]
    }

    /// How large the events of placed orders are, in bytes.
    struct Sizes: Sendable, Equatable {
        var count = 0
        var sum = 0
        var least = 0
        var most = 0
        /// Of their keys.
        var keys = 0

        mutating func add(_ size: Int, key: Int) {
            (least, most) = count == 0 ? (size, size) : (min(least, size), max(most, size))
            (count, sum, keys) = (count + 1, sum + size, keys + key)
        }
    }

    private let view: View<Content>

    init(_ shop: ShopOptions, logger: Logger) {
        view = View(
            shop.group("onlooker"), of: [shop.topic], initial: Content(),
            kafka: shop.kafkaConfiguration(client: "start"), logger: logger)
        view.foldRecords { content, record in
            if let sighting = Sighting(record) {
                content.sightings.append(sighting)
                if !sighting.isCancellation { content.sizes.add(record.valueCount, key: sighting.order.utf8.count) }
            }
            content.offsets[Int(record.partition)] = record.offset + 1
        }
    }

    func reading(_ topics: ShopTopics) -> some Service { Consuming(view, of: topics) {} }

    /// What was seen from a place in the order of seeing on, and how far the topic was read.
    func sightings(from index: Int) -> (new: [Sighting], offsets: [Int: Int64]) {
        view.peek { content, _ in (Array(content.sightings.dropFirst(index)), content.offsets) }
    }

    var sizes: Sizes { view.peek { content, _ in content.sizes } }

    /// How many records were seen.
    var count: Int { view.peek { content, _ in content.sightings.count } }
}

extension Sighting {
    /// Reads the envelope; nil for what is no event of ours.
    fileprivate init?(_ record: ConsumerRecord) {
        func text(_ name: String) -> String? { record.header(name).map { String(decoding: $0, as: UTF8.self) } }
        guard let id = text("ce_id"), let key = record.key else { return nil }
        self.init(
            event: EventID(id), order: String(decoding: key, as: UTF8.self),
            isCancellation: text("ce_type") == Cancellation.eventType, partition: Int(record.partition),
            offset: record.offset, happenedAt: text("ce_time").flatMap(Timestamp.init(rfc3339:))?.millisecondsSince1970,
            seenAt: Timestamp.now().millisecondsSince1970, stamp: text(EventStamp.headerName))
    }
}

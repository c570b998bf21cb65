import Testing

@testable import Tidings

struct Placed: Event, Equatable {
    static let eventType = "shop.order.placed"
    var orderID: String
    var total: Int
    var key: String { orderID }
}

/// What another reader needs of the same event.
struct PlacedElsewhere: Event, Equatable {
    static let eventType = "shop.order.placed"
    var orderID: String
    var key: String { orderID }
}

@Suite struct EnvelopeTests {
    private let topic = Topic<Placed>("order")

    private func delivery(_ record: EventRecord) -> Delivery {
        Delivery(
            topic: record.topic, partition: 0, offset: 7, key: record.key, value: record.value, headers: record.headers)
    }

    @Test("an event travels in CloudEvents' binary mode")
    func binaryMode() throws {
        let record = try EventRecord(
            Placed(orderID: "o-1", total: 5), id: "e-1", topic: topic, source: "/shop/order",
            time: Timestamp(millisecondsSince1970: 1_751_290_000_123), headers: [EventHeader("trace", "x")])
        #expect(record.key == Array("o-1".utf8))
        #expect(record.value == Array(#"{"orderID":"o-1","total":5}"#.utf8))
        #expect(
            record.headers == [
                EventHeader("ce_specversion", "1.0"), EventHeader("ce_id", "e-1"),
                EventHeader("ce_source", "/shop/order"), EventHeader("ce_type", "shop.order.placed"),
                EventHeader("ce_time", "2025-06-30T13:26:40.123Z"), EventHeader("content-type", "application/json"),
                EventHeader("trace", "x"),
            ])
    }

    @Test("a reader gets back what was written, with only the fields it asks for")
    func readsBack() throws {
        let record = try EventRecord(Placed(orderID: "o-1", total: 5), id: "e-1", topic: topic, source: "/shop/order")
        let delivery = delivery(record)
        #expect(delivery.eventID == "e-1")
        #expect(delivery.type == Placed.eventType)
        #expect(delivery.source == "/shop/order")
        #expect(delivery.keyText == "o-1")
        #expect(delivery.time != nil)
        let codecs = CodecTable([])
        #expect(try codecs.decode(Placed.self, from: delivery) == Placed(orderID: "o-1", total: 5))
        #expect(try codecs.decode(PlacedElsewhere.self, from: delivery) == PlacedElsewhere(orderID: "o-1"))
    }

    @Test("CloudEvents' structured mode is read, with the data's bytes as they stand")
    func structuredMode() throws {
        let value = #"""
            {"specversion":"1.0", "id" : "e-2", "source":"/elsewhere","type":"shop.order.placed",
             "extra":{"data":[1,"}"]}, "note":"a \"data\": {", "time":"2025-06-30T13:26:40Z",
             "data" : {"orderID":"o-2","total":5,"price":10.10000000000000000001}}
            """#
        let delivery = Delivery(
            topic: "order", partition: 0, offset: 0, key: nil, value: Array(value.utf8),
            headers: [EventHeader("content-type", "application/cloudevents+json; charset=UTF-8")])
        #expect(delivery.eventID == "e-2")
        #expect(delivery.type == "shop.order.placed")
        let data = try #require(delivery.data)
        #expect(String(decoding: data, as: UTF8.self).contains("10.10000000000000000001}"))
        #expect(try CodecTable([]).decode(Placed.self, from: delivery) == Placed(orderID: "o-2", total: 5))
    }

    @Test("a plain record has no envelope, and can be decoded all the same")
    func plainRecord() throws {
        let delivery = Delivery(
            topic: "order", partition: 0, offset: 0, key: nil, value: Array(#"{"orderID":"o-3","total":1}"#.utf8))
        #expect(delivery.eventID == nil && delivery.type == nil && delivery.source == nil)
        #expect(try delivery.decode(Placed.self) == Placed(orderID: "o-3", total: 1))
    }

    @Test("what cannot be decoded says so")
    func damaged() {
        for value in [nil, Array("{".utf8)] as [[UInt8]?] {
            let delivery = Delivery(topic: "order", partition: 0, offset: 0, key: nil, value: value)
            #expect { try delivery.decode(Placed.self) } throws: { ($0 as? TidingsError)?.code == .cannotDecode }
        }
    }

    @Test("the content type chooses the codec")
    func codecByContentType() throws {
        struct Upside: EventCodec {
            let contentType = "application/x-upside"
            func encode(_ event: some Encodable) throws -> [UInt8] { try JSONCodec().encode(event).reversed() }
            func decode<E: Decodable>(_ type: E.Type, from bytes: [UInt8]) throws -> E {
                try JSONCodec().decode(type, from: bytes.reversed())
            }
        }
        let record = try EventRecord(
            Placed(orderID: "o-1", total: 5), id: "e", topic: Topic<Placed>("order", codec: Upside()), source: "/s")
        let event = try CodecTable([JSONCodec(), Upside()]).decode(Placed.self, from: delivery(record))
        #expect(event == Placed(orderID: "o-1", total: 5))
        #expect { try CodecTable([JSONCodec()]).decode(Placed.self, from: delivery(record)) } throws: {
            ($0 as? TidingsError)?.code == .cannotDecode
        }
    }
}

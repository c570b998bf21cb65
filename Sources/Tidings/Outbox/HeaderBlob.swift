import KafkaClient

/// Headers as one column of a store's table: ``/KafkaClient/RecordHeaders/bytes``.
package enum HeaderBlob {
    package static func encode(_ headers: [EventHeader]) -> [UInt8] { RecordHeaders(headers).bytes }

    /// - Throws: ``TidingsError/Code/cannotDecode`` when the bytes are not what `encode` makes.
    package static func decode(_ bytes: [UInt8]) throws -> [EventHeader] {
        [EventHeader](try checked(RecordHeaders(bytes: bytes)))
    }

    static func checked(_ headers: RecordHeaders?) throws -> RecordHeaders {
        guard let headers else { throw TidingsError(.cannotDecode, "the headers of an outbox row are damaged") }
        return headers
    }
}

extension RecordHeaders {
    /// An event's headers in one piece.
    init(_ headers: [EventHeader]) {
        self.init()
        append(headers)
    }

    mutating func append(_ headers: [EventHeader]) {
        for header in headers { append(header.name, header.value) }
    }
}

extension [EventHeader] {
    /// Headers one by one.
    init(_ headers: RecordHeaders) { self = headers.map { EventHeader($0.name, $0.value) } }
}

import NIOCore

extension KafkaRequest {
    /// Appends a whole request: length, header, body.
    ///
    ///     try MetadataRequest().encodeFrame(version: 12, correlationID: 7, clientID: "shop", into: &buffer)
    public func encodeFrame(
        version: Int16, correlationID: Int32, clientID: String?, into buffer: inout ByteBuffer
    ) throws(ProtocolError) {
        let header = RequestHeader(
            apiKey: Self.apiKey, apiVersion: version, correlationID: correlationID, clientID: clientID)
        try buffer.writeFrame { (buffer: inout ByteBuffer) throws(ProtocolError) in
            try header.encode(into: &buffer)
            try encode(version: version, into: &buffer)
        }
    }
}

extension KafkaResponse {
    /// Appends a whole response: length, header, body.
    public func encodeFrame(
        version: Int16, correlationID: Int32, into buffer: inout ByteBuffer
    ) throws(ProtocolError) {
        let header = ResponseHeader(correlationID: correlationID)
        try buffer.writeFrame { (buffer: inout ByteBuffer) throws(ProtocolError) in
            header.encode(apiKey: Self.apiKey, apiVersion: version, into: &buffer)
            try encode(version: version, into: &buffer)
        }
    }
}

extension ByteBuffer {
    /// Writes a 32-bit length and what `body` writes; on an error nothing.
    fileprivate mutating func writeFrame(
        _ body: (inout ByteBuffer) throws(ProtocolError) -> Void
    ) throws(ProtocolError) {
        let start = writerIndex
        writeInteger(Int32(0))
        do throws(ProtocolError) {
            try body(&self)
        } catch {
            moveWriterIndex(to: start)
            throw error
        }
        let length = writerIndex - start - 4
        guard let length = Int32(exactly: length) else {
            moveWriterIndex(to: start)
            throw ProtocolError(.notRepresentable, "a frame of \(length) bytes")
        }
        setInteger(length, at: start)
    }
}

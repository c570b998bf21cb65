import KafkaProtocol
import NIOCore

extension KafkaStructure {
    /// Reads what `stored(version:isFlexible:)` wrote.
    init(stored payload: ByteBuffer, version: Int16, isFlexible: Bool = true) throws(ProtocolError) {
        var decoder = MessageDecoder(version: version, isFlexible: isFlexible, reading: payload)
        self.init()
        try describe(&decoder)
    }

    /// The structure's bytes as the broker keeps them in its own files: the same walk as on the wire.
    func stored(version: Int16, isFlexible: Bool = true) throws(ProtocolError) -> ByteBuffer {
        var encoder = MessageEncoder(version: version, isFlexible: isFlexible)
        var copy = self
        try copy.describe(&encoder)
        return encoder.buffer
    }
}

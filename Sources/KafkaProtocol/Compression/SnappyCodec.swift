import CSnappy
import NIOCore

/// Snappy, in the two forms that Kafka's clients write: the framing of the Java library (16 bytes of header, then
/// blocks of 4 bytes length and data), or one plain block, as librdkafka does.
enum SnappyCodec {
    /// 0x82 "SNAPPY" 0x00, followed by two 32-bit versions.
    private static let magic: UInt64 = 0x82_53_4E_41_50_50_59_00
    private static let framingSize = 16
    /// The block size of the Java library.
    private static let blockSize = 32 << 10
    /// No element of the format makes more than 64 bytes out of 3, so a block that claims more is lying.
    private static let maximumRatio = 22

    static func compress(_ input: ByteBuffer) throws(ProtocolError) -> ByteBuffer {
        var input = input
        var output = ByteBuffer()
        output.writeMultipleIntegers(magic, Int32(1), Int32(1))
        while let block = input.readSlice(length: min(blockSize, input.readableBytes)), block.readableBytes > 0 {
            let lengthIndex = output.writerIndex
            output.writeInteger(Int32(0))
            var length = snappy_max_compressed_length(block.readableBytes)
            var status = SNAPPY_OK
            block.withUnsafeReadableBytes { source in
                _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { space in
                    status = snappy_compress(
                        source.bindMemory(to: CChar.self).baseAddress, source.count,
                        space.bindMemory(to: CChar.self).baseAddress, &length)
                    return status == SNAPPY_OK ? length : 0
                }
            }
            guard status == SNAPPY_OK else { throw .cannotCompress(.snappy, "snappy_compress") }
            output.setInteger(Int32(length), at: lengthIndex)
        }
        return output
    }

    static func decompress(_ input: ByteBuffer, limit: Int) throws(ProtocolError) -> ByteBuffer {
        var input = input
        var output = ByteBuffer()
        guard input.readableBytes >= framingSize,
            input.getInteger(at: input.readerIndex, as: UInt64.self) == magic
        else {
            try decompressBlock(input, into: &output, limit: limit)
            return output
        }
        input.moveReaderIndex(forwardBy: framingSize)
        while input.readableBytes > 0 {
            guard let length = input.readInteger(as: Int32.self) else { throw .endsWithin("a Snappy block") }
            guard length >= 0, let block = input.readSlice(length: Int(length)) else {
                throw .endsWithin("a Snappy block")
            }
            try decompressBlock(block, into: &output, limit: limit)
        }
        return output
    }

    private static func decompressBlock(
        _ block: ByteBuffer, into output: inout ByteBuffer, limit: Int
    ) throws(ProtocolError) {
        var length = 0
        var status = block.withUnsafeReadableBytes {
            snappy_uncompressed_length($0.bindMemory(to: CChar.self).baseAddress, $0.count, &length)
        }
        guard status == SNAPPY_OK, length <= block.readableBytes * maximumRatio else {
            throw .corrupt(.snappy, "a block with an impossible length")
        }
        guard length <= limit - output.readableBytes else { throw .beyond(limit) }
        guard length > 0 else { return }
        block.withUnsafeReadableBytes { source in
            _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { space in
                status = snappy_uncompress(
                    source.bindMemory(to: CChar.self).baseAddress, source.count,
                    space.bindMemory(to: CChar.self).baseAddress, &length)
                return status == SNAPPY_OK ? length : 0
            }
        }
        guard status == SNAPPY_OK else { throw .corrupt(.snappy, "a block that does not decompress") }
    }
}

import CLZ4
import NIOCore

/// LZ4 in its frame format, as record batches carry it.
enum LZ4Codec {
    static func compress(_ input: ByteBuffer) throws(ProtocolError) -> ByteBuffer {
        var preferences = LZ4F_preferences_t()
        // Kafka's readers want blocks that stand alone.
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        var output = ByteBuffer()
        var written = 0
        input.withUnsafeReadableBytes { source in
            let bound = LZ4F_compressFrameBound(source.count, &preferences)
            _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
                written = LZ4F_compressFrame(
                    space.baseAddress, space.count, source.baseAddress, source.count, &preferences)
                return LZ4F_isError(written) == 0 ? written : 0
            }
        }
        guard LZ4F_isError(written) == 0 else { throw .cannotCompress(.lz4, "LZ4F_compressFrame") }
        return output
    }

    static func decompress(_ input: ByteBuffer, limit: Int) throws(ProtocolError) -> ByteBuffer {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0, let context else {
            throw .corrupt(.lz4, "LZ4F_createDecompressionContext")
        }
        defer { LZ4F_freeDecompressionContext(context) }
        var output = BoundedOutput(limit: limit, expecting: input.readableBytes * 4)
        try input.withUnsafeReadableBytes { source -> Result<Void, ProtocolError> in
            Result { () throws(ProtocolError) in try decompressAll(source, context, into: &output) }
        }.get()
        return output.buffer
    }

    private static func decompressAll(
        _ source: UnsafeRawBufferPointer, _ context: OpaquePointer, into output: inout BoundedOutput
    ) throws(ProtocolError) {
        var position = 0
        while true {
            var consumed = source.count - position
            var hint = 0
            let written = try output.fill { space in
                var size = space.count
                hint = LZ4F_decompress(
                    context, space.baseAddress, &size, source.baseAddress.map { $0 + position }, &consumed, nil)
                guard LZ4F_isError(hint) == 0 else {
                    return .failure(.corrupt(.lz4, "a frame that does not decompress"))
                }
                return .success(size)
            }
            position += consumed
            // A hint of 0 is the end of a frame; another may follow.
            if hint == 0, position == source.count { return }
            guard written > 0 || consumed > 0 else { throw .endsWithin("an LZ4 frame") }
        }
    }
}

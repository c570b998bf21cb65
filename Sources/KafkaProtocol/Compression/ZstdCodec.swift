import CZstd
import NIOCore

/// Zstandard frames.
enum ZstdCodec {
    /// The largest window a frame may ask for (128 MiB); smaller where the output limit is.
    private static let largestWindowLog = 27
    private static let level: Int32 = 3

    static func compress(_ input: ByteBuffer) throws(ProtocolError) -> ByteBuffer {
        var output = ByteBuffer()
        var written = 0
        input.withUnsafeReadableBytes { source in
            let bound = ZSTD_compressBound(source.count)
            _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
                written = ZSTD_compress(space.baseAddress, space.count, source.baseAddress, source.count, level)
                return ZSTD_isError(written) == 0 ? written : 0
            }
        }
        guard ZSTD_isError(written) == 0 else { throw .cannotCompress(.zstd, "ZSTD_compress") }
        return output
    }

    static func decompress(_ input: ByteBuffer, limit: Int) throws(ProtocolError) -> ByteBuffer {
        guard let context = ZSTD_createDCtx() else { throw .corrupt(.zstd, "ZSTD_createDCtx") }
        defer { ZSTD_freeDCtx(context) }
        // Writers choose a window for more than they know to come, so a small limit still allows 8 MiB.
        let windowLog = min(largestWindowLog, max(23, Int.bitWidth - limit.leadingZeroBitCount))
        guard ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Int32(windowLog))) == 0 else {
            throw .corrupt(.zstd, "ZSTD_DCtx_setParameter")
        }
        var output = BoundedOutput(limit: limit, expecting: input.readableBytes * 4)
        try input.withUnsafeReadableBytes { source -> Result<Void, ProtocolError> in
            Result { () throws(ProtocolError) in try decompressAll(source, context, into: &output) }
        }.get()
        return output.buffer
    }

    private static func decompressAll(
        _ source: UnsafeRawBufferPointer, _ context: OpaquePointer, into output: inout BoundedOutput
    ) throws(ProtocolError) {
        var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
        while true {
            let before = input.pos
            var hint = 0
            let written = try output.fill { space in
                var target = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
                hint = ZSTD_decompressStream(context, &target, &input)
                guard ZSTD_isError(hint) == 0 else {
                    return .failure(.corrupt(.zstd, "a frame that does not decompress"))
                }
                return .success(target.pos)
            }
            // A hint of 0 is the end of a frame; another may follow.
            if hint == 0, input.pos == input.size { return }
            guard written > 0 || input.pos > before else { throw .endsWithin("a Zstandard frame") }
        }
    }
}

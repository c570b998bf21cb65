import CZlib
import NIOCore

/// gzip (RFC 1952) through zlib.
enum GzipCodec {
    /// 15 bits of window, and 16 for gzip's own header instead of zlib's.
    private static let windowBits: Int32 = 15 + 16

    static func compress(_ input: ByteBuffer) throws(ProtocolError) -> ByteBuffer {
        var stream = z_stream()
        guard
            deflateInit2_(
                &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .cannotCompress(.gzip, "deflateInit2") }
        defer { deflateEnd(&stream) }
        guard let size = UInt32(exactly: input.readableBytes) else { throw .cannotCompress(.gzip, "beyond 4 GiB") }
        let bound = Int(deflateBound(&stream, UInt(size)))
        var output = ByteBuffer()
        var status = Z_OK
        input.withUnsafeReadableBytes { source in
            _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { space in
                stream.next_in = UnsafeMutablePointer(
                    mutating: source.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = size
                stream.next_out = space.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(clamping: space.count)
                status = deflate(&stream, Z_FINISH)
                return Int(stream.total_out)
            }
        }
        guard status == Z_STREAM_END else { throw .cannotCompress(.gzip, "deflate \(status)") }
        return output
    }

    /// All members of the input, one after the other, as gzip allows.
    static func decompress(_ input: ByteBuffer, limit: Int) throws(ProtocolError) -> ByteBuffer {
        var stream = z_stream()
        guard
            inflateInit2_(&stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { throw .corrupt(.gzip, "inflateInit2") }
        defer { inflateEnd(&stream) }
        guard let size = UInt32(exactly: input.readableBytes) else { throw .corrupt(.gzip, "beyond 4 GiB") }
        var output = BoundedOutput(limit: limit, expecting: input.readableBytes * 4)
        try input.withUnsafeReadableBytes { source -> Result<Void, ProtocolError> in
            stream.next_in = UnsafeMutablePointer(mutating: source.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = size
            return Result { () throws(ProtocolError) in try inflateAll(&stream, into: &output) }
        }.get()
        return output.buffer
    }

    private static func inflateAll(
        _ stream: inout z_stream, into output: inout BoundedOutput
    ) throws(ProtocolError) {
        while true {
            var status = Z_OK
            let written = try output.fill { space in
                stream.next_out = space.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(clamping: space.count)
                let offered = Int(stream.avail_out)
                status = inflate(&stream, Z_NO_FLUSH)
                return .success(offered - Int(stream.avail_out))
            }
            switch status {
            case Z_STREAM_END where stream.avail_in == 0: return
            case Z_STREAM_END:
                guard inflateReset(&stream) == Z_OK else { throw .corrupt(.gzip, "inflateReset") }
            case Z_OK where written > 0 || stream.avail_in > 0: continue
            case Z_OK, Z_BUF_ERROR: throw .endsWithin("a gzip stream")
            default: throw .corrupt(.gzip, "inflate \(status)")
            }
        }
    }
}

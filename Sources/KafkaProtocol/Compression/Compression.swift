import NIOCore

/// How the records of a batch are compressed.
///
/// Each codec is the format that Kafka's clients write: gzip members; Snappy in blocks with the framing of the Java
/// library or one plain block; LZ4 frames; Zstandard frames.
public enum Compression: Int8, CaseIterable, Hashable, Sendable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// Kafka's name of the codec, as in `compression.type`.
    public var name: String { String(describing: self) }

    /// The bytes compressed at the codec's default level.
    ///
    /// - Throws: ``ProtocolError`` when the codec's library fails.
    public func compress(_ input: ByteBuffer) throws(ProtocolError) -> ByteBuffer {
        switch self {
        case .none: input
        case .gzip: try GzipCodec.compress(input)
        case .snappy: try SnappyCodec.compress(input)
        case .lz4: try LZ4Codec.compress(input)
        case .zstd: try ZstdCodec.compress(input)
        }
    }

    /// The bytes decompressed; for `.none` the input itself.
    ///
    /// Memory grows with what was really decompressed, never with what the input claims.
    ///
    /// - Parameter limit: the most bytes to produce.
    /// - Throws: ``ProtocolError``: `tooLarge` when the output would pass `limit`, `corrupt` or `truncated` when the
    ///   input is not what it should be.
    public func decompress(_ input: ByteBuffer, limit: Int) throws(ProtocolError) -> ByteBuffer {
        switch self {
        case .none:
            guard input.readableBytes <= limit else { throw .beyond(limit) }
            return input
        case .gzip: return try GzipCodec.decompress(input, limit: limit)
        case .snappy: return try SnappyCodec.decompress(input, limit: limit)
        case .lz4: return try LZ4Codec.decompress(input, limit: limit)
        case .zstd: return try ZstdCodec.decompress(input, limit: limit)
        }
    }
}

extension ProtocolError {
    static func beyond(_ limit: Int) -> ProtocolError {
        ProtocolError(.tooLarge, "decompressed records take more than \(limit) bytes")
    }

    static func corrupt(_ codec: Compression, _ why: String) -> ProtocolError {
        ProtocolError(.corrupt, "\(codec.name): \(why)")
    }

    static func cannotCompress(_ codec: Compression, _ why: String) -> ProtocolError {
        ProtocolError(.compressionFailed, "\(codec.name): \(why)")
    }
}

/// Output of a streaming decompressor, which grows by doubling and never past its limit.
struct BoundedOutput {
    private(set) var buffer = ByteBuffer()
    private let limit: Int

    init(limit: Int, expecting size: Int) {
        self.limit = max(0, min(limit, Int(Int32.max)))
        buffer.reserveCapacity(min(self.limit, size, 1 << 20))
    }

    /// Calls `step` with room for at least one byte, and takes the number of bytes it says it wrote.
    ///
    /// One byte more than the limit is offered, so that an output of exactly the limit can end, and a longer one shows.
    mutating func fill(
        _ step: (UnsafeMutableRawBufferPointer) -> Result<Int, ProtocolError>
    ) throws(ProtocolError) -> Int {
        let used = buffer.readableBytes
        let room = min(max(used, 4096), limit - used + 1)
        var result: Result<Int, ProtocolError> = .success(0)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { space in
            let offered = UnsafeMutableRawBufferPointer(rebasing: space[..<min(space.count, limit - used + 1)])
            result = step(offered)
            return (try? result.get()) ?? 0
        }
        let written = try result.get()
        guard buffer.readableBytes <= limit else { throw .beyond(limit) }
        return written
    }
}

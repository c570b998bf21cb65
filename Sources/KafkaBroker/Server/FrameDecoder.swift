import NIOCore

/// Cuts the stream into frames: four bytes of length, then that many bytes.
///
/// The length is checked before anything is reserved for it, and memory grows only with the bytes that have arrived, so
/// a peer that announces much and sends little costs little. A length outside `0...limit` ends the connection.
struct FrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    /// `socket.request.max.bytes`
    let limit: Int
    /// Told how many bytes of the next frame are here.
    var arriving: ArrivingBytes?

    init(limit: Int, arriving: ArrivingBytes? = nil) {
        self.limit = limit
        self.arriving = arriving
    }

    mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        arriving?.count = buffer.readableBytes
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: Int32.self) else { return .needMoreData }
        guard length >= 0, Int(length) <= limit else { throw FrameError(length: length, limit: limit) }
        guard buffer.readableBytes >= 4 + Int(length) else { return .needMoreData }
        buffer.moveReaderIndex(forwardBy: 4)
        guard let frame = buffer.readSlice(length: Int(length)) else { return .needMoreData }
        arriving?.count = buffer.readableBytes
        context.fireChannelRead(Self.wrapInboundOut(frame))
        return .continue
    }

    mutating func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        // What is left is a frame whose rest never came.
        try decode(context: context, buffer: &buffer)
    }
}

/// How many bytes of a frame that is not whole a connection has; confined to its event loop.
final class ArrivingBytes {
    var count = 0
}

/// A peer announced a frame that nobody would accept.
struct FrameError: Error, CustomStringConvertible {
    let length: Int32
    let limit: Int

    var description: String {
        "frame of \(length) bytes announced; 0 to \(limit) are accepted (socket.request.max.bytes)"
    }
}

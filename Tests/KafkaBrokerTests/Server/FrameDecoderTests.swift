import NIOCore
import NIOEmbedded
import Testing

@testable import KafkaBroker

@Suite("Frames")
struct FrameDecoderTests {
    private func channel(limit: Int = 1000) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(FrameDecoder(limit: limit)))
        return channel
    }

    private func frame(_ body: String) -> ByteBuffer {
        var buffer = ByteBuffer(integer: Int32(body.utf8.count))
        buffer.writeString(body)
        return buffer
    }

    @Test("are found wherever the stream is cut", arguments: 1...17)
    func findsFramesInPieces(size: Int) throws {
        let channel = try channel()
        let bodies = ["", "a", "hello", String(repeating: "x", count: 100)]
        var stream = ByteBuffer()
        for body in bodies { stream.writeImmutableBuffer(frame(body)) }
        while let piece = stream.readSlice(length: min(size, max(1, stream.readableBytes))) {
            try channel.writeInbound(piece)
            if stream.readableBytes == 0 { break }
        }
        for body in bodies {
            let found = try #require(try channel.readInbound(as: ByteBuffer.self))
            #expect(String(buffer: found) == body)
        }
        #expect(try channel.readInbound(as: ByteBuffer.self) == nil)
    }

    @Test(
        "beyond the limit, or of negative length, are refused at their first four bytes",
        arguments: [1001, -1, .max] as [Int32])
    func refusesImpossibleLengths(length: Int32) throws {
        let channel = try channel()
        #expect(throws: FrameError.self) { try channel.writeInbound(ByteBuffer(integer: length)) }
    }

    @Test("of exactly the limit pass")
    func passesLimit() throws {
        let channel = try channel(limit: 3)
        try channel.writeInbound(frame("abc"))
        #expect(try channel.readInbound(as: ByteBuffer.self).map { String(buffer: $0) } == "abc")
    }
}

@Suite("Answers of a connection")
struct ResponseQueueTests {
    @Test("leave in the order of the requests, whichever is ready first")
    func keepsOrder() {
        var queue = ResponseQueue<String>()
        let places = (0..<4).map { _ in queue.open(bytes: 10) }
        queue.fill(places[2], with: "c")
        #expect(queue.next() == nil)
        queue.fill(places[0], with: "a")
        #expect(queue.next() == "a")
        #expect(queue.next() == nil)
        queue.fill(places[1], with: nil)
        #expect(queue.next() == "c")
        #expect(queue.count == 1)
        #expect(queue.bytesInHand == 10)
        queue.fill(places[1], with: "late")
        queue.fill(places[3], with: "d")
        #expect(queue.next() == "d")
        #expect(queue.bytesInHand == 0)
    }

    @Test("keep order under any order of completion", arguments: 1...50)
    func keepsOrderUnderAnySchedule(seed: UInt64) {
        var random = SplitMix(state: seed)
        var queue = ResponseQueue<Int>()
        var open: [(ResponseQueue<Int>.Place, Int)] = []
        var sent: [Int] = []
        for number in 0..<200 {
            open.append((queue.open(bytes: 1), number))
            while open.count > Int(random.next() % 20) {
                let (place, answer) = open.remove(at: Int(random.next() % UInt64(open.count)))
                queue.fill(place, with: answer % 7 == 0 ? nil : answer)
                while let next = queue.next() { sent.append(next) }
            }
        }
        for (place, answer) in open { queue.fill(place, with: answer % 7 == 0 ? nil : answer) }
        while let next = queue.next() { sent.append(next) }
        #expect(sent == (0..<200).filter { $0 % 7 != 0 }, "seed \(seed)")
        #expect(queue.count == 0)
    }
}

import Testing
import Tidings

@testable import TidingsPostgres

@Suite("What replication sends")
struct LogFrameTests {
    @Test("an event is read as it was written, and nothing that is cut off or longer is taken for one")
    func messages() throws {
        let event = EventRecord(
            eventID: "id", topic: "topic", key: [1, 2], headers: [EventHeader("a", "b"), EventHeader("c", nil)],
            value: nil)
        let bytes = LogMessage(event).bytes
        #expect(try read(bytes) == [event])
        // What is in a log now, later versions have to read.
        let headers: [UInt8] =
            [0, 0, 0, 1, 0x61, 0, 0, 0, 1, 0x62] + [0, 0, 0, 1, 0x63, 0xFF, 0xFF, 0xFF, 0xFF]
        #expect(
            bytes == [1, 0, 0, 0, 2, 0x69, 0x64, 0, 0, 0, 5] + Array("topic".utf8) + [0, 0, 0, 2, 1, 2]
                + [0, 0, 0, 19] + headers + [0xFF, 0xFF, 0xFF, 0xFF])
        for length in 0..<bytes.count {
            #expect(throws: TidingsError.self) { try read(Array(bytes.prefix(length))) }
        }
        #expect(throws: TidingsError.self) { try read(bytes + [0]) }
    }

    @Test("a transaction's events share a message until it is full, in their order, and none of them is taken for all")
    func sharedMessages() throws {
        let events = (0..<3).map { number in
            EventRecord(
                eventID: EventID("\(number)"), topic: "t", key: [UInt8(number)], headers: [], value: [1, UInt8(number)])
        }
        var message = LogMessage(events[0])
        let areTaken = [message.append(events[1]), message.append(events[2])]
        #expect(areTaken == [true, true])
        #expect(try read(message.bytes) == events)
        let ends = events.indices.map { index in
            events[..<index].reduce(into: LogMessage(events[0]).bytes.count) { $0 += LogMessage($1).bytes.count - 1 }
        }
        // Even where an event ends: as one of several it stands under another sign than alone.
        #expect(throws: TidingsError.self) { try read(Array(message.bytes.prefix(ends[0]))) }
        for length in 0..<message.bytes.count where !ends.contains(length) {
            #expect(throws: TidingsError.self) { try read(Array(message.bytes.prefix(length))) }
        }

        let large = EventRecord(
            eventID: "large", topic: "t", key: nil, headers: [], value: [UInt8](repeating: 7, count: 100_000))
        let isLargeTaken = message.append(large)
        #expect(!isLargeTaken)
        #expect(try read(message.bytes) == events)
        var alone = LogMessage(large)
        let isSmallTaken = alone.append(events[0])
        #expect(!isSmallTaken)
        #expect(try read(alone.bytes) == [large])
    }

    private func read(_ bytes: [UInt8]) throws -> [EventRecord] {
        var records: [EventRecord] = []
        try bytes.withUnsafeBytes { try LogMessage.decode($0) { records.append($0) } }
        return records
    }

    @Test("transactions, messages and heartbeats are told apart, and what is cut off is damaged")
    func frames() {
        let head = [UInt8(ascii: "w")] + [UInt8](repeating: 0, count: 24)
        let begin = head + Array("B".utf8) + number(UInt64(77)) + number(Int64(5)) + number(UInt32(1))
        let message =
            head + Array("M".utf8) + [1] + number(UInt64(70)) + Array("slot\0".utf8) + number(UInt32(3)) + [1, 2, 3]
        let commit = head + Array("C".utf8) + [0] + number(UInt64(77)) + number(UInt64(99)) + number(Int64(5))
        let heartbeat = Array("k".utf8) + number(UInt64(1234)) + number(Int64(0)) + [1]
        #expect(describe(begin) == "begin 77 5")
        #expect(describe(message) == "message slot [1, 2, 3]")
        #expect(describe(commit) == "commit 99")
        #expect(describe(heartbeat) == "heartbeat 1234 true")
        #expect(describe(head + Array("R".utf8)) == "other")
        var aside = message
        aside[26] = 0
        #expect(describe(aside) == "other", "outside of a transaction")
        for frame in [begin.dropLast(4), message[...], commit[...], heartbeat[...]] {
            for length in 0..<frame.count { #expect(describe(Array(frame.prefix(length))) == nil) }
        }
    }

    @Test("places in the log are written as PostgreSQL writes them, and come in the order of commits")
    func positions() {
        #expect(LogPosition(lsn: 0x16_B374_D848).lsnText == "16/B374D848")
        #expect(LogPosition(lsnText: "16/B374D848", place: 2) == LogPosition(lsn: 0x16_B374_D848, place: 2))
        for text in ["", "16", "16/", "/1", "16/B374D848/1", "G/1"] { #expect(LogPosition(lsnText: text) == nil) }
        #expect(
            LogPosition(lsn: 1, place: 9) < LogPosition(lsn: 2) && LogPosition(lsn: 2) < LogPosition(lsn: 2, place: 1))
    }

    private func describe(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBytes { bytes in
            switch LogFrame(bytes) {
            case .begin(let commit, let time): "begin \(commit) \(time)"
            case .message(let prefix, let content):
                "message \(String(decoding: prefix, as: UTF8.self)) \(Array(content))"
            case .commit(let end): "commit \(end)"
            case .heartbeat(let end, let wantsAnswer): "heartbeat \(end) \(wantsAnswer)"
            case .other: "other"
            case nil: nil
            }
        }
    }

    private func number(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

import ArgumentParser
import KafkaClient
import Logging

/// The history that views are measured with: records whose keys come from a set of a given size, in no order.
enum History {
    /// Eight digits, for a key of eight bytes.
    static func key(_ number: Int) -> [UInt8] {
        var rest = number
        return [UInt8](unsafeUninitializedCapacity: 8) { digits, count in
            for place in stride(from: 7, through: 0, by: -1) {
                digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            count = 8
        }
    }

    /// The number that a key's eight digits spell.
    static func number(_ digits: RawSpan) -> UInt64 {
        var number: UInt64 = 0
        for place in 0..<digits.byteCount {
            number = number * 10 + UInt64(digits.unsafeLoad(fromByteOffset: place, as: UInt8.self) & 15)
        }
        return number
    }

    /// Writes records of `size` bytes, key included, in runs; every key comes in the first `keys` of them.
    static func write(
        _ records: Range<Int>, keys: Int, size: Int, to topic: String, _ bootstrap: String, _ logger: Logger
    ) async throws {
        var kafka = KafkaConfiguration(bootstrap, clientID: "bench")
        kafka.properties["linger.ms"] = "5"
        let producer = try Producer(ProducerConfiguration(kafka), logger: logger)
        let value = [UInt8](repeating: UInt8(ascii: "x"), count: size - 8)
        let length = 5000
        try await withThrowingTaskGroup(of: Void.self) { group in
            var underWay = 0
            for start in stride(from: records.lowerBound, to: records.upperBound, by: length) {
                if underWay == 40 {
                    try await group.next()
                    underWay -= 1
                }
                underWay += 1
                group.addTask {
                    let numbers = start..<min(start + length, records.upperBound)
                    // A step that shares no factor with the number of keys visits them all, scattered.
                    let messages = numbers.map {
                        ProducerMessage(topic: topic, key: key($0 % keys * 7919 % keys), value: value)
                    }
                    if let error = try await producer.send(messages).firstFailure { throw error }
                }
            }
            try await group.waitForAll()
        }
    }
}

import ArgumentParser

/// The loops in C over librdkafka, each run in a process of its own.
enum CLoop {
    /// What both languages set, so that they differ in nothing else.
    static let producing = [
        "linger.ms=5", "acks=all", "enable.idempotence=true", "partitioner=murmur2_random",
        "queue.buffering.max.messages=100000", "queue.buffering.max.kbytes=1048576", "client.id=bench",
    ]
    static let consuming = [
        "group.id=bench", "queued.min.messages=100000", "queued.max.messages.kbytes=65536",
        "enable.auto.commit=false", "enable.auto.offset.store=false", "client.id=bench",
    ]

    /// Seconds until all are acknowledged, by one idempotent producer.
    static func produce(_ bootstrap: String, _ topic: String, _ count: Int, size: Int) throws -> Double {
        try run(["produce", bootstrap, topic, "\(count)", "\(size)"] + producing)
    }

    /// Seconds until so many have been read from the beginning.
    static func consume(_ bootstrap: String, _ topic: String, _ count: Int, partitions: Int) throws -> Double {
        try run(["consume", bootstrap, topic, "\(count)", "\(partitions)"] + consuming)
    }

    private static func run(_ arguments: [String]) throws -> Double {
        let output = try runSelf(["loop", "c"] + arguments)
        guard let seconds = output.split(whereSeparator: \.isWhitespace).first.flatMap({ Double($0) }) else {
            throw ValidationError("the loop in C said: \(output)")
        }
        return seconds
    }
}

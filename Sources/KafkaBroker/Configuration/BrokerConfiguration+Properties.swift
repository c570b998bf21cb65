extension BrokerConfiguration {
    /// Sets a property by Kafka's name for it, as `--config NAME=VALUE` does.
    ///
    /// - Throws: `BrokerError` with code `.invalidConfiguration` that names the property and what it takes.
    public mutating func set(_ name: String, to value: String) throws {
        if let property = Self.properties[name] {
            try property(&self, PropertyValue(name: name, text: value))
        } else if let topicProperty = TopicProperty.byBrokerName[name] {
            do {
                topicDefaults[topicProperty.name] = try topicProperty.validate(value)
            } catch {
                throw BrokerError(.invalidConfiguration, "\(name)=\(value): \(error.message)")
            }
        } else {
            throw BrokerError(.invalidConfiguration, "there is no property \(name)\(Self.suggestion(for: name))")
        }
    }

    /// All names that `set` takes, sorted.
    public static var propertyNames: [String] {
        (Array(properties.keys) + Array(TopicProperty.byBrokerName.keys)).sorted()
    }

    private typealias Setter = @Sendable (inout BrokerConfiguration, PropertyValue) throws -> Void

    private static let properties: [String: Setter] = [
        "node.id": { $0.nodeID = Int32(try $1.integer(0...Int64(Int32.max))) },
        "broker.id": { $0.nodeID = Int32(try $1.integer(0...Int64(Int32.max))) },
        "num.network.threads": { $0.networkThreads = Int(try $1.integer(1...64)) },
        "num.io.threads": { $0.storageThreads = Int(try $1.integer(1...256)) },
        "socket.request.max.bytes": { $0.maxRequestBytes = Int(try $1.integer(1024...1_073_741_824)) },
        "max.connections": { $0.maxConnections = Int(try $1.integer(1...1_000_000)) },
        "max.in.flight.requests.per.connection": { $0.maxInFlightRequests = Int(try $1.integer(1...100_000)) },
        "queued.max.request.bytes": { $0.maxInFlightBytes = Int(try $1.integer(1024...Int64.max)) },
        "fetch.max.bytes": { $0.maxFetchBytes = Int(try $1.integer(1024...1_073_741_824)) },
        "auto.create.topics.enable": { $0.autoCreateTopics = try $1.boolean() },
        "num.partitions": { $0.defaultPartitions = Int32(try $1.integer(1...10_000)) },
        "delete.topic.enable": { $0.deleteTopics = try $1.boolean() },
        "max.partitions": { $0.maxPartitions = Int(try $1.integer(1...1_000_000)) },
        // A single node has exactly one replica of everything.
        "default.replication.factor": { _ = try $1.integer(1...1) },
        "offsets.topic.replication.factor": { _ = try $1.integer(1...1) },
        "min.insync.replicas": { _ = try $1.integer(1...1) },
        "group.initial.rebalance.delay.ms": { $0.groupInitialRebalanceDelay = try $1.integer(0...3_600_000) },
        "group.min.session.timeout.ms": { $0.groupMinSessionTimeout = try $1.integer(1...Int64(Int32.max)) },
        "group.max.session.timeout.ms": { $0.groupMaxSessionTimeout = try $1.integer(1...Int64(Int32.max)) },
        "group.max.size": { $0.groupMaxSize = Int(try $1.integer(1...Int64(Int32.max))) },
        "log.retention.check.interval.ms": { $0.retentionCheckInterval = try $1.integer(1...Int64(Int32.max)) },
        "offsets.log.snapshot.bytes": { $0.groupLogSnapshotBytes = Int(try $1.integer(1024...Int64.max)) },
        "offset.metadata.max.bytes": { $0.maxOffsetMetadataBytes = Int(try $1.integer(0...1_048_576)) },
    ]

    /// The known name that looks most like `name`, as the end of a sentence.
    private static func suggestion(for name: String) -> String {
        let distances = propertyNames.map { (name: $0, distance: editDistance(Array($0.utf8), Array(name.utf8))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= 1 + name.utf8.count / 3
        else { return "; `tidings broker --help` lists them" }
        return "; did you mean \(best.name)?"
    }

    /// How many letters have to be put in, taken out or changed to get from one word to the other.
    private static func editDistance(_ from: [UInt8], _ to: [UInt8]) -> Int {
        var row = Array(0...to.count)
        for (index, letter) in from.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in to.indices {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (letter == to[column] ? 0 : 1))
                diagonal = above
            }
        }
        return row[to.count]
    }
}

/// The text given for a property, and what it can be read as.
private struct PropertyValue {
    let name: String
    let text: String

    func integer(_ range: ClosedRange<Int64>) throws(BrokerError) -> Int64 {
        guard let value = Int64(text), range.contains(value) else {
            throw BrokerError(
                .invalidConfiguration, "\(name)=\(text): a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }

    func boolean() throws(BrokerError) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw BrokerError(.invalidConfiguration, "\(name)=\(text): true or false")
        }
    }
}

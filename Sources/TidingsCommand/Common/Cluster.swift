import KafkaClient
import Logging

/// A cluster that has answered, and what commands ask it for.
struct Cluster: Sendable {
    let bootstrap: String
    let configuration: KafkaConfiguration
    let admin: Admin
    let timeout: Duration
    let logger: Logger

    /// How long brokers that refuse are asked again, unless somebody says how long to wait: one may just be starting.
    static let patienceWithRefusals = Duration.seconds(2)

    /// Asks a cluster whether it is there.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait for a cluster that says nothing.
    ///   - patience: how long to ask again where every broker refuses the connection or cannot be found.
    /// - Throws: ``CommandFailure`` that says what was tried, and what can be done.
    static func reach(
        _ address: String, properties: [String: String], timeout: Duration, patience: Duration = patienceWithRefusals
    ) async throws -> Cluster {
        let reasons = LastWords()
        let logger = reasons.logger
        let configuration = KafkaConfiguration(address, clientID: "tidings-command", properties: properties)
        do {
            let admin = try Admin(configuration, timeout: timeout, logger: logger)
            try await withPatience("waiting for \(address)") {
                // Asks for no topic: whoever answers is there.
                do {
                    _ = try await admin.metadata(topics: [], within: min(timeout, patience))
                } catch let error as KafkaError
                    where error.isRetriable && !reasons.areAllDown && timeout > patience
                {
                    _ = try await admin.metadata(topics: [], within: timeout - patience)
                }
            }
            return Cluster(
                bootstrap: address, configuration: configuration, admin: admin, timeout: timeout, logger: logger)
        } catch let error as KafkaError where error.isRetriable {
            throw CommandFailure(
                """
                no broker answers at \(address)\(reasons.text.map { " (\($0))" } ?? "")
                Is it running? 'tidings broker --data-dir data' starts one here; --kafka HOST:PORT or TIDINGS_KAFKA names \
                another; -X gives what it wants of TLS and passwords.
                """)
        }
    }

    /// All topics, by name. To ask for one by its name might make it.
    func topics() async throws -> [ClusterMetadata.Topic] {
        try await admin.metadata().topics
    }

    /// These topics.
    ///
    /// - Throws: ``CommandFailure`` for the first that is not there, with one that is called nearly so.
    func topics(named names: [String]) async throws -> [ClusterMetadata.Topic] {
        let all = try await topics()
        return try names.map { name in
            if let topic = all.first(where: { $0.name == name }) { return topic }
            let near = nearest(to: name, among: all.map(\.name)).map { ", but there is '\($0)'" } ?? ""
            throw CommandFailure.notThere(
                """
                there is no topic '\(name)' at \(bootstrap)\(near)
                'tidings topics list' shows those that are there, 'tidings topics create \(name)' makes it.
                """)
        }
    }

    /// A group's description.
    ///
    /// - Throws: ``CommandFailure`` if there is no such group.
    func group(named name: String) async throws -> GroupDescription {
        let description = try await admin.describeGroups([name])[0]
        guard description.state == .dead else { return description }
        let all = try await admin.listGroups()
        // A group that has offsets and has never had members is dead for some brokers.
        if all.contains(where: { $0.groupID == name }) { return description }
        if try await !admin.committedOffsets(ofGroup: name).isEmpty { return description }
        let near = nearest(to: name, among: all.map(\.groupID)).map { ", but there is '\($0)'" } ?? ""
        throw CommandFailure.notThere(
            """
            there is no group '\(name)' at \(bootstrap)\(near)
            'tidings groups list' shows those that are there.
            """)
    }
}

/// The name that is at most two letters, or a third of it, away from the one that was given.
func nearest(to name: String, among names: [String]) -> String? {
    let limit = max(2, name.count / 3)
    let near = names.map { (name: $0, distance: distance($0, name)) }.filter { $0.distance <= limit }
    return near.min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
}

/// How many letters have to be put in, taken out or changed to make one of the other (Levenshtein).
private func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    var row = Array(0...other.count)
    for i in one.indices {
        var diagonal = row[0]
        row[0] = i + 1
        for j in other.indices {
            let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (one[i] == other[j] ? 0 : 1))
            (diagonal, row[j + 1]) = (row[j + 1], cost)
        }
    }
    return row[other.count]
}

import Foundation
import KafkaClient
import Logging

/// Where a trial or a measurement takes place.
package struct Stage: Sendable {
    /// The program that plays every part, and the arguments before the part's name.
    package var program: [String]
    /// Kafka's address.
    package var kafka: String
    /// The broker, when it is ours to kill.
    package var broker: OwnBroker?
    /// In what kind of database.
    package var database: SweepDatabase
    /// The trial's own folder; it must exist.
    package var folder: String
    /// The trial's own topic.
    package var topic: String

    /// A place of one's own.
    package init(
        program: [String], kafka: String, broker: OwnBroker? = nil, database: SweepDatabase, folder: String,
        topic: String
    ) {
        self.program = program
        self.kafka = kafka
        self.broker = broker
        self.database = database
        self.folder = folder
        self.topic = topic
    }

    /// What tells a part which topic is its own.
    package var common: [String] { ["--topic", topic, "--kafka", kafka] }

    /// What tells a part which database is its own.
    package func database(of part: String) -> [String] {
        database.arguments(part, of: topic, folder: folder)
    }

    /// Lets a part be played in a process of its own to the end.
    ///
    /// - Returns: the lines that it printed.
    /// - Throws: ``SweepError`` when it fails.
    @discardableResult
    package func ask(_ arguments: [String], of part: String) async throws -> [String] {
        let log = "\(folder)/\(part).log"
        let process = try SubjectProcess(
            program + arguments.prefix(1) + database(of: part) + arguments.dropFirst(), log: log)
        let status = await process.end()
        try Task.checkCancellation()
        guard status == 0 else { throw SweepError("\(arguments[0]) failed (\(status)); see \(log)") }
        return process.lines
    }

    /// Runs `body`, and then removes what was made in servers that others use, however it ended; where its task was
    /// cancelled, too.
    package func leavingNothing<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        do {
            let result = try await body()
            await forgetInPeace()
            return result
        } catch {
            await forgetInPeace()
            throw error
        }
    }

    /// In a task that is cancelled, now or meanwhile, nothing could be asked for.
    private func forgetInPeace() async {
        await Task { await forget() }.value
    }

    /// That something could not be removed is in the log, and no reason to stop. A broker of our own goes as a whole.
    private func forget() async {
        if broker == nil {
            let logger = Logger(label: "stage") { _ in SwiftLogNoOpLogHandler() }
            if let admin = try? Admin(SubjectKafka.at(kafka), timeout: .seconds(3), logger: logger) {
                try? await admin.deleteGroups(batchGroups(admin))
                try? await admin.deleteTopics([topic])
            }
        }
        guard database.isServer else { return }
        for part in ["writer", "reader"] { _ = try? await ask(["forget"], of: part) }
    }

    /// The groups that hold the numbers of batches which were published exactly once to this topic and no other.
    private func batchGroups(_ admin: Admin) async throws -> [String] {
        var found: [String] = []
        for group in try await admin.listGroups().map(\.groupID) where group.hasPrefix("tidings-outbox-") {
            let topics = try await Set(admin.committedOffsets(ofGroup: group).keys.map(\.topic))
            if topics == [topic] { found.append(group) }
        }
        return found
    }

    /// What a database's table of `action` or `effect` holds, in order.
    package func facts(_ table: String, of part: String) async throws -> [Fact] {
        try await ask(["facts", "--table", table, "--reader", TrialRun.reader], of: part).map {
            try JSONDecoder().decode(Fact.self, from: Data($0.utf8))
        }
    }
}

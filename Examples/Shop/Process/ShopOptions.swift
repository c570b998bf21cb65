import ArgumentParser
import Foundation
import KafkaClient
import Logging
import Tidings
import TidingsSQLite

/// What all programs of the shop can be told.
struct ShopOptions: ParsableArguments, Sendable {
    @Option(help: "The first of the shop's ports: the start page; orders, shipments, invoices and statistics follow.")
    var port = 8080

    @Option(help: "Where databases and the broker's log are kept.")
    var dataDir = "shop-data"

    @Option(
        help: ArgumentHelp(
            "A PostgreSQL to use instead of SQLite: each service gets a database of its own, <name>_order and so on, "
                + "made if missing.",
            valueName: "postgres://…/name"))
    var database: String?

    @Option(
        help: ArgumentHelp(
            "How the order service sends until one chooses on the start page.", valueName: "after|before|outbox"),
        transform: { word in
            guard let sending = Sending(word: word) else {
                throw ValidationError("--sending is after, before or outbox, not “\(word)”.")
            }
            return sending
        })
    var sending = Sending.outbox

    @Option(help: ArgumentHelp("A Kafka to use instead of the shop's own broker.", valueName: "host:port[,…]"))
    var kafka: String?

    @Option(
        name: .customShort("X"),
        help: ArgumentHelp("A librdkafka property, such as security.protocol=SASL_SSL.", valueName: "name=value"))
    var property: [String] = []

    @Option(help: "How many copies of each partition Kafka keeps; its own default when not given.")
    var replicationFactor: Int?

    @Option(help: "Put before the names of topic and groups, so that several shops can share one Kafka.")
    var prefix = ""

    var ports: Ports { Ports(first: port) }

    func validate() throws {
        guard (1...65530).contains(port) else { throw ValidationError("--port must be from 1 to 65530.") }
        guard (1...32767).contains(replicationFactor ?? 1) else {
            throw ValidationError("--replication-factor must be from 1 to 32767.")
        }
        guard prefix.utf8.count <= 200, prefix.utf8.allSatisfy(OrderID.mayContain) else {
            throw ValidationError("--prefix may have up to 200 letters, digits, dots, dashes and underscores.")
        }
        guard database == nil || databaseServer != nil else {
            throw ValidationError("--database takes an address such as postgres://user@host:5432/shop.")
        }
        for text in property where text.firstIndex(of: "=").map({ $0 == text.startIndex }) ?? true {
            throw ValidationError("-X takes name=value, but got “\(text)”.")
        }
    }

    /// Tells at once what librdkafka would tell each process: a property it does not know, a value it cannot have.
    ///
    /// - Throws: ``ShopError``.
    func checkKafka() throws {
        // Nobody is to hear that no broker answers yet.
        let logger = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
        let kafka = kafkaConfiguration(client: "check")
        do {
            _ = try Producer(.relay(kafka), logger: logger)
            _ = try Consumer(ConsumerConfiguration(kafka, groupID: group("check")), topics: [topic], logger: logger)
        } catch {
            throw ShopError("Kafka's clients cannot be made of what was given: \(error.message).")
        }
    }

    /// The name of the topic that tells what happens to orders, through which the services talk.
    var topic: String { prefix + "order" }

    /// The name of the topic on which shipping tells what it has made out.
    var shipmentTopic: String { prefix + "shipment" }

    /// The name of the compacted topic of customers.
    var customerTopic: String { prefix + "customer" }

    /// The name of a service's consumer group.
    func group(_ service: String) -> String { prefix + service }

    func directory() throws -> DataDirectory { try DataDirectory(dataDir) }

    var databaseServer: DatabaseServer? { database.flatMap(DatabaseServer.init) }

    /// Opens the database of a service, with Tidings' own tables: a file of the data directory, or one of the server's.
    func openDatabase(of service: String, logger: Logger) async throws -> any ShopStore {
        if let server = databaseServer { return try await server.open(service, logger: logger) }
        return try SQLiteStore(path: try directory().file("\(service).sqlite"))
    }

    /// The addresses of Kafka: the given ones, or the shop's own broker.
    var bootstrapServers: [String] {
        kafka?.split(separator: ",").map(\.trimmed) ?? ["127.0.0.1:\(ports.broker)"]
    }

    /// How the clients of one process reach Kafka.
    func kafkaConfiguration(client: String) -> KafkaConfiguration {
        var configuration = KafkaConfiguration(bootstrapServers: bootstrapServers)
        configuration.clientID = client
        for text in property {
            guard let mark = text.firstIndex(of: "=") else { continue }
            configuration.properties[String(text[..<mark])] = String(text[text.index(after: mark)...])
        }
        return configuration
    }

    /// The same options as a command line, for a child process.
    func arguments(in directory: DataDirectory) -> [String] {
        var arguments = ["--port", String(port), "--data-dir", directory.path]
        arguments += ["--sending", sending.rawValue]
        if let database { arguments += ["--database", database] }
        if let kafka { arguments += ["--kafka", kafka] }
        for text in property { arguments += ["-X", text] }
        if let replicationFactor { arguments += ["--replication-factor", String(replicationFactor)] }
        if !prefix.isEmpty { arguments += ["--prefix", prefix] }
        return arguments
    }
}

import ArgumentParser
import Glibc

/// `tidings config`: the settings as they are, and where each comes from.
struct ConfigCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the settings, and where each comes from.",
        discussion: """
            What every command needs can be said once: the cluster, how it is reached,
            and the database. Nothing is contacted; what is secret is not printed.

              tidings config
              TIDINGS_KAFKA=kafka-1:9092 tidings config
              tidings config --json

            The file is a JSON object, for example

              { "kafka": "kafka-1:9092,kafka-2:9092",
                "properties": ["security.protocol=sasl_ssl", "sasl.username=shop"],
                "database": "postgres://shop@db.example/order", "timeout": 5 }

            TIDINGS_PROPERTIES is a list with commas. Of a property that is set more
            than once, the flag (-X) counts, then the environment, then the file.

            \(Settings.help)

            \(Exits.help)
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    private struct Row: Encodable {
        var name: String
        var value: String?
        var isSecret: Bool
        var origin: String
        var from: String
    }

    func perform() async throws {
        let settings = try Settings()
        let resolved = try kafka.resolve(settings)
        var rows = [row("kafka", resolved.kafka)]
        for (name, setting) in resolved.properties.sorted(by: { $0.key < $1.key }) {
            rows.append(row("properties: \(name)", setting, isSecret: Secrets.isSecret(property: name)))
        }
        rows.append(row("timeout", .init(value: "\(resolved.timeout.value)", origin: resolved.timeout.origin)))
        if let database = try database.resolve(settings) {
            rows.append(
                row("database", .init(value: Secrets.hidden(inDatabase: database.value), origin: database.origin)))
        } else {
            rows.append(Row(name: "database", value: nil, isSecret: false, origin: "default", from: "default"))
        }
        if json.isJSON { return try rows.forEach { try printJSON($0) } }
        printTable(
            ["SETTING", "VALUE", "FROM"],
            rows.map { row in
                [row.name, row.isSecret ? "(not shown)" : row.value.map { readable($0) } ?? "none", row.from]
            })
        let isThere = access(settings.file, F_OK) == 0
        printLine("\nThe file \(isThere ? "is" : "would be") \(settings.file)\(isThere ? "" : ", which is not there")")
    }

    private func row(_ name: String, _ setting: Settings.Setting<String>, isSecret: Bool = false) -> Row {
        let from =
            setting.origin.kind == .default ? "default" : "\(setting.origin.kind.rawValue), \(setting.origin.name)"
        return Row(
            name: name, value: isSecret ? nil : setting.value, isSecret: isSecret,
            origin: setting.origin.kind.rawValue, from: from)
    }
}

/// What must not be printed.
enum Secrets {
    /// Whether a property of librdkafka is one that nobody else may see.
    static func isSecret(property name: String) -> Bool {
        ["password", "secret", "key.pem", "oauthbearer.config", "token", "jaas"].contains { name.contains($0) }
    }

    /// A database's address without the password in it.
    static func hidden(inDatabase location: String) -> String {
        guard let scheme = location.firstRange(of: "://") else { return location }
        var rest = location[scheme.upperBound...]
        // A question mark before the @ belongs to the password (libpq).
        let server = rest.prefix { $0 != "/" }
        if let at = server.prefix(while: { $0 != "?" }).lastIndex(of: "@") ?? server.lastIndex(of: "@"),
            let colon = rest[..<at].firstIndex(of: ":")
        {
            rest = rest[..<colon] + ":***" + rest[at...]
        }
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return String(location[..<scheme.upperBound] + rest) }
        let query = parts[1].split(separator: "&", omittingEmptySubsequences: false).map { pair in
            pair.hasPrefix("password=") || pair.hasPrefix("sslpassword=")
                ? String(pair.prefix { $0 != "=" }) + "=***" : String(pair)
        }
        return String(location[..<scheme.upperBound] + parts[0]) + "?" + query.joined(separator: "&")
    }
}

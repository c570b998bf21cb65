import Foundation

/// The house as data: which target may import which. `docs/architecture.md` draws the same picture.
struct House {
    struct Room {
        let folder: String
        /// Every module that the target may import beyond the platform's own.
        let mayImport: Set<String>
    }

    /// Modules of the platform that need no permission.
    static let platform: Set<String> = [
        "Swift", "_Concurrency", "Synchronization", "Dispatch", "Glibc", "Musl", "Darwin", "FoundationEssentials",
    ]

    /// Modules that any target may import: the ecosystem's common vocabulary.
    static let vocabulary: Set<String> = [
        "Logging", "Metrics", "Tracing", "ServiceLifecycle", "UnixSignals", "DequeModule",
    ]

    static let rooms: [String: Room] = [
        // The broker's tower.
        "KafkaProtocol": Room(
            folder: "Sources/KafkaProtocol",
            mayImport: ["CCRC32C", "CZlib", "CLZ4", "CZstd", "CSnappy", "NIOCore"]),
        "KafkaLog": Room(folder: "Sources/KafkaLog", mayImport: ["KafkaProtocol", "NIOCore"]),
        "KafkaBroker": Room(
            folder: "Sources/KafkaBroker",
            mayImport: ["KafkaProtocol", "KafkaLog", "NIOCore", "NIOPosix"]),
        // The service author's tower.
        "KafkaClient": Room(folder: "Sources/KafkaClient", mayImport: ["CRDKafka", "Foundation"]),
        "Tidings": Room(folder: "Sources/Tidings", mayImport: ["KafkaClient", "CCRC32C", "Foundation"]),
        "TidingsSQLite": Room(
            folder: "Sources/TidingsSQLite", mayImport: ["Tidings", "KafkaClient", "GRDB", "Foundation"]),
        "TidingsPostgres": Room(
            folder: "Sources/TidingsPostgres", mayImport: ["Tidings", "KafkaClient", "CPQ", "Foundation"]),
        "TidingsAudit": Room(folder: "Sources/TidingsAudit", mayImport: ["Tidings", "KafkaClient", "Foundation"]),
        "TidingsCompare": Room(
            folder: "Sources/TidingsCompare",
            mayImport: [
                "Tidings", "KafkaClient", "TidingsSQLite", "TidingsPostgres", "TidingsAudit", "GRDB", "Histogram",
                "Foundation",
            ]),
        "TidingsMetrics": Room(folder: "Sources/TidingsMetrics", mayImport: []),
        // Where the towers meet.
        "TidingsTesting": Room(
            folder: "Sources/TidingsTesting",
            mayImport: ["KafkaBroker", "KafkaLog", "KafkaClient", "Tidings", "Foundation"]),
        "TidingsCommand": Room(
            folder: "Sources/TidingsCommand",
            mayImport: [
                "KafkaBroker", "KafkaClient", "Tidings", "TidingsSQLite", "TidingsPostgres", "TidingsAudit",
                "TidingsCompare", "ArgumentParser", "Configuration",
            ]),
        "Shop": Room(
            folder: "Examples/Shop",
            mayImport: [
                "KafkaBroker", "KafkaClient", "Tidings", "TidingsSQLite", "TidingsPostgres", "TidingsAudit",
                "TidingsMetrics", "GRDB",
                "Hummingbird", "HTTPTypes", "NIOCore", "NIOPosix", "NIOHTTP1", "Mustache", "ArgumentParser", "CProcess",
                "Foundation",
            ]),
    ]

    /// The targets of the broker's tower start in milliseconds and small: Foundation stays off their path.
    static let withoutFoundation = ["KafkaProtocol", "KafkaLog", "KafkaBroker", "TidingsCommand"]

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct SourceFile {
        let path: String
        let text: String

        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

        /// The modules this file imports, whatever the import's access level or attributes.
        var imports: Set<String> {
            var modules: Set<String> = []
            for line in lines {
                let words = line.split(separator: " ")
                guard let at = words.firstIndex(of: "import"), words.count > at + 1 else { continue }
                let before = words[..<at]
                let modifiers: Set<Substring> = ["public", "package", "internal", "private", "fileprivate"]
                guard before.allSatisfy({ $0.hasPrefix("@") || modifiers.contains($0) }) else { continue }
                let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
                let name = kinds.contains(words[at + 1]) && words.count > at + 2 ? words[at + 2] : words[at + 1]
                modules.insert(String(name.prefix { $0 != "." && $0 != ";" }))
            }
            return modules
        }
    }

    static func files(in folder: String) throws -> [SourceFile] {
        let base = root.appendingPathComponent(folder)
        guard let walker = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        var found: [SourceFile] = []
        for case let url as URL in walker where url.pathExtension == "swift" && !url.path.contains("/.build") {
            let path = String(url.path.dropFirst(root.path.count + 1))
            found.append(SourceFile(path: path, text: try String(contentsOf: url, encoding: .utf8)))
        }
        return found.sorted { $0.path < $1.path }
    }
}

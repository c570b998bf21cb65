import ArgumentParser
import Configuration
import FoundationEssentials
import Glibc

/// The file of settings: which keys it may have, what each takes, and in words what is wrong with it.
///
/// A key that is not known is a mistake: whoever wrote `kafak` means `kafka`, and must not be sent to another cluster.
enum SettingsFile {
    private struct Key {
        let name: String
        let takes: String
        let accepts: @Sendable (JSONValue) -> Bool
    }

    private static let keys = [
        Key(name: "kafka", takes: "a text such as \"127.0.0.1:9092\"") { $0.isText },
        Key(name: "properties", takes: "a list such as [\"security.protocol=ssl\"]") { value in
            if case .array(let list) = value { list.allSatisfy(\.isText) } else { false }
        },
        Key(name: "database", takes: "a text such as \"order.sqlite\"") { $0.isText },
        Key(name: "timeout", takes: "a whole number of seconds") { value in
            if case .integer = value { true } else { false }
        },
    ]

    /// What a setting takes, in words; nil if there is no such setting.
    static func takes(_ key: String) -> String? { keys.first { $0.name == key }?.takes }

    /// Reads the file.
    ///
    /// - Throws: ``CommandFailure`` that names the file, and the key or the place in it that is wrong.
    static func read(_ file: String) throws -> any ConfigSnapshot {
        let bytes: [UInt8]
        do {
            bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            let reason = access(file, R_OK) == 0 ? "it is no file" : String(cString: strerror(errno))
            throw CommandFailure("\(file), the file of settings, cannot be read: \(reason)")
        }
        try check(bytes, file)
        do {
            return try JSONSnapshot(data: bytes.span.bytes, providerName: file, parsingOptions: .default)
        } catch {
            throw mistake(file, "it cannot be understood: \(error)")
        }
    }

    private static func check(_ bytes: [UInt8], _ file: String) throws {
        if let mistake = JSONMistake(in: bytes) { throw self.mistake(file, "\(mistake)") }
        guard case .object(let values)? = JSONValue(bytes) else {
            throw mistake(file, "it is no JSON object, such as { \"kafka\": \"127.0.0.1:9092\" }")
        }
        let names = keys.map(\.name)
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let key = keys.first(where: { $0.name == name }) else {
                let hint =
                    nearest(to: name, among: names).map { "did you mean '\($0)'?" }
                    ?? "there are: \(names.joined(separator: ", "))"
                throw mistake(file, "there is no setting '\(readable(name))'; \(hint)")
            }
            guard key.accepts(value) else { throw mistake(file, "'\(name)' takes \(key.takes)") }
        }
    }

    private static func mistake(_ file: String, _ words: String) -> CommandFailure {
        CommandFailure("\(file): \(words)", exitCode: ExitCode.validationFailure.rawValue)
    }
}

extension JSONValue {
    fileprivate var isText: Bool { if case .text = self { true } else { false } }
}

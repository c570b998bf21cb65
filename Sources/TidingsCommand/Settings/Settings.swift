import Configuration
import FoundationEssentials

/// What can be said once instead of with every command: by a flag, in the environment or in a file, in this order.
///
/// ```json
/// { "kafka": "kafka-1:9092,kafka-2:9092", "properties": ["security.protocol=ssl"], "timeout": 5 }
/// ```
struct Settings: Sendable {
    /// Where a value comes from.
    struct Origin: Hashable, Sendable {
        enum Kind: String, Sendable { case flag, environment, file, `default` }

        var kind: Kind
        /// The flag, the variable, or the key in the file.
        var name: String

        static let `default` = Origin(kind: .default, name: "default")
    }

    /// A value with its origin.
    struct Setting<Value: Sendable>: Sendable {
        var value: Value
        var origin: Origin
    }

    /// The file that is read, whether it is there or not.
    let file: String
    private let sources: [(kind: Origin.Kind, provider: any ConfigSnapshot)]

    static let help = """
        SETTINGS
          A flag counts, or else the environment (TIDINGS_KAFKA, TIDINGS_PROPERTIES,
          TIDINGS_DATABASE, TIDINGS_TIMEOUT), or else a file: the one that
          TIDINGS_SETTINGS names, or ~/.config/tidings/settings.json.
          'tidings config' shows what each is, and where it comes from.
        """

    /// Reads the environment and the file.
    ///
    /// - Throws: ``CommandFailure`` when the file is not as ``SettingsFile`` wants it, or is missing where it was named.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        let named = environment["TIDINGS_SETTINGS"].flatMap { $0.isEmpty ? nil : $0 }
        let home =
            environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 }
            ?? "\(environment["HOME"] ?? "")/.config"
        file = named ?? "\(home)/tidings/settings.json"
        // An empty variable is one that was not set.
        let variables = EnvironmentVariablesProvider(environmentVariables: environment.filter { !$0.value.isEmpty })
            .prefixKeys(with: "tidings")
        var sources: [(Origin.Kind, any ConfigSnapshot)] = [(.environment, variables.snapshot())]
        if FileManager.default.fileExists(atPath: file) {
            sources.append((.file, try SettingsFile.read(file)))
        } else if named != nil {
            throw CommandFailure("\(file), which TIDINGS_SETTINGS names, is not there")
        }
        self.sources = sources
    }

    /// An origin as it is named in an error: the flag, the variable, or the key with its file.
    func place(of origin: Origin) -> String {
        origin.kind == .file ? "'\(origin.name)' in \(file)" : origin.name
    }

    // MARK: Values

    /// - Parameters:
    ///   - flag: what the command line says.
    ///   - name: the flag's name.
    func text(_ key: String, flag: String?, _ name: String) throws -> Setting<String>? {
        if let flag { return Setting(value: flag, origin: Origin(kind: .flag, name: name)) }
        return try first(key, .string) { content in if case .string(let text) = content { text } else { nil } }
    }

    func number(_ key: String, flag: Int?, _ name: String) throws -> Setting<Int>? {
        if let flag { return Setting(value: flag, origin: Origin(kind: .flag, name: name)) }
        return try first(key, .int) { content in if case .int(let number) = content { number } else { nil } }
    }

    /// `name=value` pairs of all origins; of each name, the value of the first that has it.
    func pairs(_ key: String, flags: [String], _ name: String) throws -> [String: Setting<String>] {
        var all = [(Origin(kind: .flag, name: name), flags)]
        for (kind, provider) in sources {
            let result = try lookUp(key, .stringArray, in: provider)
            guard case .stringArray(let list)? = result.value?.content else { continue }
            all.append((Origin(kind: kind, name: result.encodedKey), list))
        }
        var pairs: [String: Setting<String>] = [:]
        for (origin, list) in all {
            for text in list {
                guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                    throw CommandFailure("\(place(of: origin)): '\(text)' is not NAME=VALUE", exitCode: 64)
                }
                let setting = Setting(value: String(text[text.index(after: equals)...]), origin: origin)
                let name = String(text[..<equals])
                // Of one origin the last counts, as in a shell.
                if pairs[name] == nil || pairs[name]?.origin == origin { pairs[name] = setting }
            }
        }
        return pairs
    }

    private func first<Value>(
        _ key: String, _ type: ConfigType, _ read: (ConfigContent) -> Value?
    ) throws -> Setting<Value>? {
        for (kind, provider) in sources {
            let result = try lookUp(key, type, in: provider)
            guard let value = (result.value?.content).flatMap(read) else { continue }
            return Setting(value: value, origin: Origin(kind: kind, name: result.encodedKey))
        }
        return nil
    }

    private func lookUp(_ key: String, _ type: ConfigType, in provider: any ConfigSnapshot) throws -> LookupResult {
        do {
            return try provider.value(forKey: AbsoluteConfigKey(ConfigKey(key)), type: type)
        } catch {
            // What the file has was looked at when it was read.
            let place = "TIDINGS_\(key.uppercased())"
            throw CommandFailure("\(place) takes \(SettingsFile.takes(key) ?? "something else")", exitCode: 64)
        }
    }
}

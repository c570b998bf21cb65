import Foundation
import KafkaClient

/// How all processes of a comparison reach Kafka, beyond its address: librdkafka's properties, in the environment, where
/// a list of processes does not show them.
public enum SubjectKafka {
    private static let variable = "TIDINGS_SUBJECT_PROPERTIES"

    /// Sets the properties, each `name=value`, for this process and those that it starts from now on.
    public static func set(_ properties: [String]) {
        setenv(variable, properties.joined(separator: "\n"), 1)
    }

    /// The cluster at this address.
    package static func at(_ address: String) -> KafkaConfiguration {
        let lines = (getenv(variable).map { String(cString: $0) } ?? "").split(separator: "\n")
        let pairs = lines.compactMap { line -> (String, String)? in
            guard let equals = line.firstIndex(of: "=") else { return nil }
            return (String(line[..<equals]), String(line[line.index(after: equals)...]))
        }
        return KafkaConfiguration(address, properties: Dictionary(pairs) { $1 })
    }
}

import KafkaProtocol

/// The longest name that any usual file system takes, in bytes.
private let longestName = 255

/// A name beside `path` to move it to: what fits of its own name, a random part, and `suffix`. Never longer than a file
/// system allows, and never twice the same.
public func sideName(of path: String, suffix: String) -> String {
    let parent = parentDirectory(of: path)
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    let ending = ".\(KafkaUUID.random())\(suffix)"
    let kept = String(decoding: name.utf8.prefix(longestName - ending.utf8.count), as: UTF8.self)
    return parent == "/" ? "/\(kept)\(ending)" : "\(parent)/\(kept)\(ending)"
}

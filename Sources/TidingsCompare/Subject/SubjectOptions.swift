import TidingsAudit

/// A part's `--name value` pairs.
struct SubjectOptions: Sendable {
    private var values: [String: String] = [:]

    init(_ arguments: ArraySlice<String>) throws {
        var rest = arguments
        while let name = rest.popFirst() {
            guard name.hasPrefix("--"), let value = rest.popFirst() else {
                throw SubjectError("what is \(name)?")
            }
            values[String(name.dropFirst(2))] = value
        }
    }

    subscript(_ name: String) -> String? { values[name] }

    func number(_ name: String) throws -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text) else { throw SubjectError("--\(name) \(text) is no number") }
        return number
    }

    func milliseconds(_ name: String) throws -> Duration? { try number(name).map { .milliseconds($0) } }

    func required(_ name: String) throws -> String {
        guard let value = values[name] else { throw SubjectError("--\(name) is missing") }
        return value
    }

    func way() throws -> Way {
        let text = try required("way")
        guard let way = Way(rawValue: text) else { throw SubjectError("\(text) is no way of sending") }
        return way
    }
}

/// Why a part cannot be played.
struct SubjectError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

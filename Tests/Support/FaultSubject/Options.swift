/// A command and its `--name value` pairs.
struct Options {
    struct Wrong: Error, CustomStringConvertible {
        let description: String
    }

    let command: String
    private var values: [String: String] = [:]

    init(_ arguments: [String]) throws {
        guard arguments.count >= 2, arguments.count.isMultiple(of: 2) else {
            throw Wrong(description: "usage: fault-subject COMMAND --name value …")
        }
        command = arguments[1]
        for index in stride(from: 2, to: arguments.count, by: 2) {
            guard arguments[index].hasPrefix("--") else { throw Wrong(description: "what is \(arguments[index])?") }
            values[String(arguments[index].dropFirst(2))] = arguments[index + 1]
        }
    }

    subscript(_ name: String) -> String? { values[name] }

    func number(_ name: String) -> Int? { values[name].flatMap { Int($0) } }

    func required(_ name: String) throws -> String {
        guard let value = values[name] else { throw Wrong(description: "--\(name) is missing") }
        return value
    }
}

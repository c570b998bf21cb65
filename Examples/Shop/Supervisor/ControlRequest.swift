/// What the start page may ask the supervisor for, as a line of text: `kill invoicing 2`.
enum ControlRequest: Equatable, Sendable {
    /// `kill -9` of a process; it is started again, as after any death.
    case kill(role: String, instance: Int)
    /// Asks a process to end, and leaves it ended.
    case stop(role: String, instance: Int)
    /// Starts a process that was stopped, or one that waits to be wanted.
    case start(role: String, instance: Int)
    /// `kill -9` of the order service by itself, when it next reaches a step of publishing or relaying; nil takes that back.
    case dieAt(step: String?)

    init?(_ line: String) {
        let words = line.split(separator: " ").map(String.init)
        switch (words.first, words.count) {
        case ("die-at", 2): self = .dieAt(step: words[1] == Self.never ? nil : words[1])
        case (let verb?, 3):
            guard let instance = Int(words[2]) else { return nil }
            switch verb {
            case "kill": self = .kill(role: words[1], instance: instance)
            case "stop": self = .stop(role: words[1], instance: instance)
            case "start": self = .start(role: words[1], instance: instance)
            default: return nil
            }
        default: return nil
        }
    }

    var line: String {
        switch self {
        case .kill(let role, let instance): "kill \(role) \(instance)"
        case .stop(let role, let instance): "stop \(role) \(instance)"
        case .start(let role, let instance): "start \(role) \(instance)"
        case .dieAt(let step): "die-at \(step ?? Self.never)"
        }
    }

    private static let never = "never"
}

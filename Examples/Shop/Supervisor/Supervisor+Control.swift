import Glibc

/// What the start page asks for. It comes over the pipe that the supervisor made for that one process, so nobody else
/// can ask, and it names roles, so that nothing but the shop's own processes can be meant.
extension Supervisor {
    /// Answers a line of the start page's process: `request 7 kill invoicing 2` with `answer 7 done`, or
    /// `answer 7 refused` and the reason.
    mutating func answer(_ line: String, from index: Int) {
        guard children[index].role == "start", let text = line.wordsAfter("request") else { return }
        let parts = text.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[0]) else { return }
        do {
            guard let request = ControlRequest(String(parts[1])) else { throw ShopError("That is not known here.") }
            try obey(request)
            children[index].tell("answer \(number) done")
        } catch {
            children[index].tell("answer \(number) refused \(error)")
        }
    }

    private mutating func obey(_ request: ControlRequest) throws {
        switch request {
        case .kill(let role, let instance):
            let child = children[try find(role, instance)]
            guard child.pid != nil else { throw ShopError("\(child.name.processTitle) does not run.") }
            child.signal(SIGKILL)
        case .stop(let role, let instance):
            let index = try find(role, instance)
            children[index].isWanted = false
            children[index].signal(SIGTERM)
        case .start(let role, let instance):
            let index = try find(role, instance)
            children[index].isWanted = true
            if children[index].pid == nil { try children[index].start() }
        case .dieAt:
            let index = try find("order", 1)
            guard children[index].isReady, children[index].tell(request.line) else {
                throw ShopError("The order service does not run.")
            }
        }
        writeList()
    }

    private func find(_ role: String, _ instance: Int) throws -> Int {
        guard let index = children.firstIndex(where: { $0.role == role && $0.instance == instance }) else {
            throw ShopError("This shop has no \(role) \(instance).")
        }
        return index
    }
}

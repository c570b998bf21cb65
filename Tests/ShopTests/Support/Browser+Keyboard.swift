extension Browser {
    enum Key: String {
        case tab = "\u{E004}"
        case enter = "\u{E007}"
        case up = "\u{E013}"
    }

    /// Strikes a key, and lets it go.
    func strike(_ key: Key) async throws {
        let strokes = ["keyDown", "keyUp"].map { ["type": $0, "value": key.rawValue] }
        _ = try await command("POST", "actions", ["actions": [["type": "key", "id": "keys", "actions": strokes]]])
    }

    /// Goes with the tab key, from wherever the keyboard is, until it is at this element.
    func tab(to selector: String) async throws {
        for _ in 0..<100 {
            try await strike(.tab)
            let focused = try await command("GET", "element/active", nil) as? [String: String]
            if try await focused?.values.first == find(selector) { return }
        }
        throw TestFailure("the keyboard does not come to \(selector)")
    }
}

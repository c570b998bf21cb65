import Tidings

extension StoreConformance {
    static var snapshotChecks: [Check] {
        [
            Check("a view's snapshot comes back as it was, however long, until another takes its place") { open in
                let store = try await open()
                try expectEqual(try await store.snapshot("a"), nil, "before the first one")
                for size in [3 << 20 | 5, 0, 1 << 20, 7] {
                    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }
                    try await store.keep(bytes, of: "a")
                    try expect(try await store.snapshot("a") == bytes, "\(size) bytes came back otherwise")
                    let start = try await store.transaction { try store.snapshotStart(of: "a", in: $0) }
                    try expect(
                        start.map { bytes.starts(with: $0) && $0.count >= min(size, 1 << 20) } ?? false,
                        "the beginning of \(size) bytes came otherwise")
                }
                try await store.keep([1], of: "b")
                let names = try await store.transaction { try store.viewsWithSnapshots(in: $0) }
                try expectEqual(names.sorted(), ["a", "b"], "the views with snapshots")
                try expectEqual(try await open().snapshot("a")?.count, 7, "of the other view, after opening again")
                try await store.keep(nil, of: "a")
                try expectEqual(try await store.snapshot("a"), nil, "after it was removed")
                let start = try await store.transaction { try store.snapshotStart(of: "a", in: $0) }
                try expectEqual(start, nil, "its beginning")
                try expectEqual(try await store.snapshot("b"), [1], "the other view's")
            },
            Check("a snapshot in a transaction that is rolled back leaves the one before") { open in
                let store = try await open()
                try await store.keep([1, 2], of: "a")
                do {
                    try await store.transaction { transaction in
                        try store.keepSnapshot([3], of: "a", in: transaction)
                        throw RollBack()
                    }
                } catch is RollBack {}
                try expectEqual(try await store.snapshot("a"), [1, 2], "the one before")
            },
            Check("of those who look at a snapshot before they replace it one goes after the other") { open in
                let store = try await open()
                try await store.keep([0], of: "a")
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for _ in 0..<20 {
                        tasks.addTask {
                            try await store.transaction { transaction in
                                let count = try store.snapshotStart(of: "a", in: transaction)?.first ?? 0
                                try store.keepSnapshot([count + 1], of: "a", in: transaction)
                            }
                        }
                    }
                    try await tasks.waitForAll()
                }
                try expectEqual(try await store.snapshot("a"), [20], "how often it was replaced")
            },
            Check("of snapshots that are kept at the same time one is there as a whole") { open in
                let store = try await open()
                let sizes = [1 << 20 | 1, 2 << 20 | 1, 5]
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for round in 0..<9 {
                        let size = sizes[round % 3]
                        tasks.addTask {
                            try await store.keep([UInt8](repeating: UInt8(round % 3), count: size), of: "a")
                            let found = try await store.snapshot("a") ?? []
                            let kind = Int(found.first ?? 9)
                            try expect(kind < 3 && found.count == sizes[kind], "\(found.count) bytes of \(kind)")
                            try expect(found.allSatisfy { $0 == UInt8(kind) }, "two snapshots are mixed")
                        }
                    }
                    try await tasks.waitForAll()
                }
            },
        ]
    }
}

extension Store {
    fileprivate func keep(_ bytes: [UInt8]?, of view: String) async throws {
        let store = self
        try await transaction { try store.keepSnapshot(bytes, of: view, in: $0) }
    }

    fileprivate func snapshot(_ view: String) async throws -> [UInt8]? {
        let store = self
        return try await transaction { try store.snapshot(of: view, in: $0) }
    }
}

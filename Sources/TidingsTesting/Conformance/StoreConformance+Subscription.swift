import Tidings

extension StoreConformance {
    static var subscriptionChecks: [Check] {
        [
            Check("an offset moves only from where it is expected") { open in
                let store = try await open()
                let place = GroupPartition(group: "g", topic: "t", partition: 0)
                try expectEqual(try await store.offset(place), nil, "at first")
                try expectEqual(try await store.advance(place, from: 5, to: 6), false, "none is not 5")
                try expectEqual(try await store.advance(place, from: nil, to: 10), true, "first")
                try expectEqual(try await store.advance(place, from: nil, to: 20), false, "first again")
                try expectEqual(try await store.advance(place, from: 9, to: 20), false, "from a wrong one")
                try expectEqual(try await store.advance(place, from: 10, to: 20), true, "from the right one")
                try expectEqual(try await store.offset(place), 20, "in the end")
            },
            Check("groups, topics and partitions have offsets of their own") { open in
                let store = try await open()
                let places = [
                    GroupPartition(group: "g", topic: "t", partition: 0),
                    GroupPartition(group: "g", topic: "t", partition: 1),
                    GroupPartition(group: "g", topic: "u", partition: 0),
                    GroupPartition(group: "h", topic: "t", partition: 0),
                ]
                for (number, place) in places.enumerated() {
                    try expectEqual(try await store.advance(place, from: nil, to: Int64(number)), true, "\(place)")
                }
                for (number, place) in places.enumerated() {
                    try expectEqual(try await store.offset(place), Int64(number), "\(place)")
                }
            },
            Check("an offset moves together with the rest of its transaction or not at all") { open in
                let store = try await open()
                let place = GroupPartition(group: "g", topic: "t", partition: 0)
                try? await store.transaction { transaction in
                    _ = try store.advance(place, from: nil, to: 1, in: transaction)
                    try store.append(.test("x"), in: transaction)
                    throw RollBack()
                }
                try expectEqual(try await store.offset(place), nil, "offset")
                try expectEqual(try await store.claim().count, 0, "outbox")
            },
            Check("of many that move the same offset at the same time one succeeds") { open in
                let (first, second) = (try await open(), try await open())
                let place = GroupPartition(group: "g", topic: "t", partition: 0)
                for round in 0..<10 {
                    let from = round == 0 ? nil : Int64(round)
                    let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                        for racer in 0..<6 {
                            let store = racer % 2 == 0 ? first : second
                            group.addTask { try await store.advance(place, from: from, to: Int64(round) + 1) }
                        }
                        return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                    }
                    try expectEqual(winners, 1, "winners of round \(round)")
                }
            },
            Check("a parked record marks its key in its partition of its group") { open in
                let store = try await open()
                let place = GroupPartition(group: "g", topic: "t", partition: 3)
                try await store.transaction { transaction in
                    for (offset, key) in [[UInt8]("a".utf8), nil, [], [0, 255]].enumerated() {
                        let record = ParkedRecord(
                            place: place, offset: Int64(offset), timestamp: .now(), key: key,
                            headers: [EventHeader("h", nil as [UInt8]?)], value: nil, reason: "poison", attempts: 3)
                        try store.park(record, in: transaction)
                    }
                }
                let asked: Set<[UInt8]> = [[UInt8]("a".utf8), [UInt8]("b".utf8), [], [0, 255], [0]]
                try expectEqual(
                    try await store.parkedOffsets(asked, place), [[UInt8]("a".utf8): 0, []: 2, [0, 255]: 3], "parked")
                let otherGroup = GroupPartition(group: "h", topic: "t", partition: 3)
                try expectEqual(try await store.parkedOffsets(asked, otherGroup), [:], "in another group")
                let otherTopic = GroupPartition(group: "g", topic: "u", partition: 3)
                try expectEqual(try await store.parkedOffsets(asked, otherTopic), [:], "in another topic")
                let otherPartition = GroupPartition(group: "g", topic: "t", partition: 2)
                try expectEqual(try await store.parkedOffsets(asked, otherPartition), [:], "in another partition")
            },
            Check("a record that is read again can be parked again") { open in
                let store = try await open()
                let place = GroupPartition(group: "g", topic: "t", partition: 0)
                for offset: Int64 in [7, 5, 7] {
                    try await store.transaction { transaction in
                        let record = ParkedRecord(
                            place: place, offset: offset, timestamp: .now(), key: [1], headers: [], value: nil,
                            reason: "poison", attempts: 3)
                        try store.park(record, in: transaction)
                    }
                }
                try expectEqual(try await store.parkedOffsets([[1]], place), [[1]: 5], "the first of its key")
            },
        ]
    }
}

extension Store {
    fileprivate func offset(_ place: GroupPartition) async throws -> Int64? {
        let store = self
        return try await transaction { try store.offset(of: place, in: $0) }
    }

    fileprivate func advance(_ place: GroupPartition, from expected: Int64?, to next: Int64) async throws -> Bool {
        let store = self
        return try await transaction { try store.advance(place, from: expected, to: next, in: $0) }
    }

    fileprivate func parkedOffsets(_ keys: Set<[UInt8]>, _ place: GroupPartition) async throws -> [[UInt8]: Int64] {
        let store = self
        return try await transaction { try store.parkedOffsets(among: keys, of: place, in: $0) }
    }
}

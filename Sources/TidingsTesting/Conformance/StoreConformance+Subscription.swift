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
            Check("what is remembered of stamps moves with the offset, each source and lane for itself") { open in
                let store = try await open()
                let place = GroupPartition(group: "g", topic: "t", partition: 0)
                let (one, two) = (StampSource(outbox: "o", shard: 0), StampSource(outbox: "o", shard: 1))
                var memory = StampMemory()
                _ = memory.insert(EventStamp(source: one, batch: 4, index: 2))
                let none = StampMemory()
                let insert = try await store.advance(place, from: nil, to: 10, remembering: [one: memory])
                try expectEqual(insert, true, "first")
                let refused = try await store.advance(place, from: 9, to: 11, remembering: [one: none, two: none])
                try expectEqual(refused, false, "from a wrong offset")
                try expectEqual(
                    try await store.lanes(place), [LaneState(.only, offset: 10, memories: [one: memory])], "refused")
                let both = try await store.advance(place, from: 10, to: 12, remembering: [one: none, two: memory])
                try expectEqual(both, true, "two sources")
                try expectEqual(
                    try await store.lanes(place), [LaneState(.only, offset: 12, memories: [one: none, two: memory])],
                    "both")
                let elsewhere = GroupPartition(group: "g", topic: "t", partition: 1)
                try expectEqual(try await store.lanes(elsewhere), [], "another partition")
            },
            Check("an offset that is set back takes along what was remembered of later ones") { open in
                let store = try await open()
                let place = GroupPartition(group: "g", topic: "t", partition: 0)
                let source = StampSource(outbox: "o", shard: 0)
                _ = try await store.advance(place, from: nil, to: 10, remembering: [source: StampMemory()])
                try expectEqual(try await store.advance(place, from: 10, to: 9), true, "set back")
                try expectEqual(try await store.lanes(place), [LaneState(.only, offset: 9)], "forgotten")
            },
            Check("a partition is divided into other lanes only from what it is, and the old lanes are refused") {
                open in
                let store = try await open()
                var place = GroupPartition(group: "g", topic: "t", partition: 0, lane: Lane(0, of: 2))
                let source = StampSource(outbox: "o", shard: 0)
                let two = [
                    LaneState(Lane(0, of: 2), offset: 5),
                    LaneState(Lane(1, of: 2), offset: 7, memories: [source: .init()]),
                ]
                try expectEqual(try await store.divide(place, from: [], into: two), true, "for the first time")
                try expectEqual(try await store.lanes(place), two, "two lanes")
                try expectEqual(try await store.divide(place, from: [], into: two), false, "no longer undivided")
                let undivided = GroupPartition(group: "g", topic: "t", partition: 0)
                try expectEqual(try await store.advance(undivided, from: 5, to: 6), false, "the only lane")
                try expectEqual(try await store.advance(undivided, from: nil, to: 6), false, "a new only lane")
                let third = GroupPartition(group: "g", topic: "t", partition: 0, lane: Lane(2, of: 3))
                try expectEqual(try await store.advance(third, from: nil, to: 6), false, "a lane of another division")
                let half = [LaneState(Lane(0, of: 2), offset: 9), LaneState(Lane(1, of: 2), offset: nil)]
                try expectEqual(try await store.divide(place, from: two, into: half), false, "a lane without an offset")
                try expectEqual(try await store.lanes(place), two, "still two lanes")
                try expectEqual(try await store.advance(place, from: 5, to: 7), true, "the first of two")
                try expectEqual(try await store.divide(place, from: two, into: []), false, "it has moved")
                let equal = try await store.lanes(place)
                let three = (0..<3).map { LaneState(Lane($0, of: 3), offset: 7, memories: [source: .init()]) }
                try expectEqual(try await store.divide(place, from: equal, into: three), true, "into three")
                try expectEqual(try await store.lanes(place), three, "three lanes")
                try expectEqual(try await store.advance(place, from: 7, to: 8), false, "the first of two, gone")
                place.lane = Lane(2, of: 3)
                try expectEqual(try await store.advance(place, from: 7, to: 8), true, "the last of three")
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

    fileprivate func advance(
        _ place: GroupPartition, from expected: Int64?, to next: Int64, remembering memories: [StampSource: StampMemory]
    ) async throws -> Bool {
        let store = self
        return try await transaction {
            try store.advance(place, from: expected, to: next, remembering: memories, in: $0)
        }
    }

    fileprivate func lanes(_ place: GroupPartition) async throws -> [LaneState] {
        let store = self
        return try await transaction { try store.lanes(of: place, in: $0) }
    }

    /// Rolls back when it is refused.
    fileprivate func divide(
        _ place: GroupPartition, from expected: [LaneState], into lanes: [LaneState]
    ) async throws -> Bool {
        let store = self
        do {
            try await transaction {
                if try !store.divide(place, from: expected, into: lanes, in: $0) { throw RollBack() }
            }
            return true
        } catch is RollBack {
            return false
        }
    }

    fileprivate func parkedOffsets(_ keys: Set<[UInt8]>, _ place: GroupPartition) async throws -> [[UInt8]: Int64] {
        let store = self
        return try await transaction { try store.parkedOffsets(among: keys, of: place, in: $0) }
    }
}

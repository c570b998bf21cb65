import KafkaProtocol
import Testing

@testable import KafkaBroker

/// Members come, go, fall silent and come back in every order that a seed makes up, the disk takes its time and the
/// broker is restarted in between; whatever happens, no partition has two owners in one generation.
@Suite("A consumer group under any schedule")
struct GroupScheduleTests {
    @Test("never gives one partition to two members of a generation", arguments: 1...60)
    func neverTwoOwners(seed: UInt64) {
        var schedule = GroupSchedule(seed: seed)
        for _ in 0..<1000 { schedule.step() }
        #expect(schedule.conflicts.isEmpty, "seed \(seed): \(schedule.conflicts)")
        #expect(schedule.answeredSyncs > 0, "seed \(seed) proves nothing")
    }

    @Test("always comes to rest with everybody in it once the members behave", arguments: 1...60)
    func comesToRest(seed: UInt64) {
        var schedule = GroupSchedule(seed: seed)
        for _ in 0..<200 { schedule.step() }
        for _ in 0..<400 { schedule.behave() }
        #expect(schedule.driver.state == .stable, "seed \(seed): \(schedule.driver.state)")
        #expect(schedule.owners == Set(0..<GroupSchedule.partitions), "seed \(seed)")
    }
}

/// A seeded world of simple consumers around one group.
struct GroupSchedule {
    static let partitions: UInt8 = 7

    private struct Consumer {
        var instance: String?
        var memberID = ""
        var generation: Int32 = -1
        var join: GroupTicket?
        var sync: GroupTicket?
        var share: Set<UInt8> = []
        var isStable = false
    }

    var driver = GroupDriver(persistsAtOnce: false)
    private(set) var conflicts: [String] = []
    private(set) var answeredSyncs = 0
    private var random: SplitMix
    private var consumers: [Consumer]
    /// generation → partition → member ids that were told it is theirs
    private var given: [Int32: [UInt8: Set<String>]] = [:]

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        consumers = (0..<4).map { Consumer(instance: $0 < 2 ? "static-\($0)" : nil) }
    }

    var owners: Set<UInt8> { consumers.reduce(into: []) { $0.formUnion($1.share) } }

    mutating func step() {
        let index = Int(random.next() % UInt64(consumers.count))
        switch random.next() % 12 {
        case 0: driver.pass(Milliseconds(random.next() % 6_000))
        case 1: consumers[index] = Consumer(instance: consumers[index].instance)
        case 2: leave(index)
        case 3: driver.persistAll(error: random.next() % 5 == 0 ? .coordinatorNotAvailable : .none)
        case 4 where random.next() % 4 == 0: restartBroker()
        default: act(index)
        }
        collect()
    }

    /// A step in which nobody dies: time passes a little and everybody does what it should.
    mutating func behave() {
        driver.pass(300)
        driver.persistAll()
        for index in consumers.indices { act(index) }
        driver.persistAll()
        collect()
    }

    private mutating func leave(_ index: Int) {
        guard consumers[index].instance == nil, !consumers[index].memberID.isEmpty else { return }
        _ = driver.leave(consumers[index].memberID)
        consumers[index] = Consumer()
    }

    private mutating func restartBroker() {
        let last = driver.stored.last
        var restarted = GroupDriver(persistsAtOnce: false)
        restarted.now = driver.now
        if let last { restarted.group.restore(last, now: restarted.now) }
        restarted.goOn(after: driver)
        driver = restarted
        for index in consumers.indices {
            consumers[index].join = nil
            consumers[index].sync = nil
        }
    }

    /// The consumer's next move in the classic protocol.
    private mutating func act(_ index: Int) {
        let consumer = consumers[index]
        guard consumer.join == nil, consumer.sync == nil else { return }
        if consumer.isStable {
            let answer = driver.heartbeat(
                consumer.memberID, consumer.generation, instance: consumer.instance)
            if answer == .none { return }
            consumers[index].isStable = false
            if answer != .rebalanceInProgress {
                consumers[index].share = []
                consumers[index].memberID = ""
            }
        }
        consumers[index].join = driver.send(
            joinOf: consumers[index].memberID, client: "c\(index)", instance: consumer.instance,
            requiresKnownMember: consumer.instance == nil)
    }

    private mutating func collect() {
        for index in consumers.indices {
            if let ticket = consumers[index].join, let answer = driver.joined[ticket] {
                consumers[index].join = nil
                consumers[index].memberID =
                    [.unknownMemberID, .fencedInstanceID].contains(answer.error) ? "" : answer.memberID
                if answer.error == .none { sync(index, answer) }
            }
            if let ticket = consumers[index].sync, let answer = driver.synced[ticket] {
                consumers[index].sync = nil
                take(index, answer)
            }
        }
    }

    private mutating func sync(_ index: Int, _ answer: GroupJoined) {
        consumers[index].generation = answer.generation
        var shares: [String: [UInt8]] = [:]
        for (number, member) in answer.members.enumerated() {
            shares[member.id] = (0..<Self.partitions).filter { Int($0) % answer.members.count == number }
        }
        consumers[index].sync = driver.send(
            syncOf: answer.memberID, instance: consumers[index].instance, generation: answer.generation,
            assignments: shares)
    }

    private mutating func take(_ index: Int, _ answer: GroupSynced) {
        guard answer.error == .none else {
            consumers[index].share = []
            if [.unknownMemberID, .fencedInstanceID].contains(answer.error) { consumers[index].memberID = "" }
            return
        }
        answeredSyncs += 1
        consumers[index].share = Set(answer.assignment)
        consumers[index].isStable = true
        // A static member that comes back is the same owner under another id.
        let name = consumers[index].instance ?? consumers[index].memberID
        for partition in answer.assignment {
            given[consumers[index].generation, default: [:]][partition, default: []].insert(name)
            let owners = given[consumers[index].generation]?[partition] ?? []
            if owners.count > 1 {
                conflicts.append("partition \(partition) of generation \(consumers[index].generation): \(owners)")
            }
        }
    }
}

/// A small seeded generator: the same seed, the same schedule.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

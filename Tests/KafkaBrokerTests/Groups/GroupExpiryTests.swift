import KafkaProtocol
import Testing

@testable import KafkaBroker

@Suite("Committed offsets that nobody needs any more")
struct GroupExpiryTests {
    private let week: Int64 = 604_800_000
    private let a = TopicPartition(topic: "a", partition: 0)
    private let b = TopicPartition(topic: "b", partition: 0)

    private func subscription(_ topic: String) -> [UInt8] {
        [0, 0, 0, 0, 0, 1, 0, UInt8(topic.utf8.count)] + topic.utf8 + [0xFF, 0xFF, 0xFF, 0xFF]
    }

    private func group(_ commits: [TopicPartition: Int64]) -> GroupDriver {
        var driver = GroupDriver()
        for (key, time) in commits {
            driver.group.offsets.commit(CommittedOffset(offset: 1, commitTimestamp: time), for: key)
        }
        return driver
    }

    @Test("of a group that never had members expire a week after their commit")
    func simple() {
        let group = group([a: 0, b: 1000]).group
        #expect(group.expiredOffsets(now: week - 1, pending: []) == [])
        #expect(group.expiredOffsets(now: week, pending: []) == [a])
        #expect(group.expiredOffsets(now: week + 1000, pending: []) == [a, b])
        #expect(group.expiredOffsets(now: week + 1000, pending: [a]) == [b])
    }

    @Test("of a group that lost its members expire a week after that, or after a later commit")
    func emptied() {
        var driver = group([a: 0])
        let member = driver.joinStable("m")
        #expect(driver.group.expiredOffsets(now: 10 * week, pending: []) == [])
        _ = driver.leave(member.memberID)
        driver.group.emptySince = 5000
        #expect(driver.group.expiredOffsets(now: week + 4999, pending: []) == [])
        #expect(driver.group.expiredOffsets(now: week + 5000, pending: []) == [a])
        driver.group.offsets.commit(CommittedOffset(offset: 2, commitTimestamp: 9000), for: a)
        #expect(driver.group.expiredOffsets(now: week + 5000, pending: []) == [])
    }

    @Test("of topics that a stable group of consumers has given up expire a week after their commit")
    func unsubscribed() {
        var driver = group([a: 0, b: 0])
        let ticket = driver.send(joinOf: "", metadata: subscription("a"))
        #expect(driver.group.expiredOffsets(now: week, pending: []) == [])
        let member = driver.joined[ticket]?.memberID ?? ""
        driver.sync(member, generation: 1, assignments: [member: [1]])
        #expect(driver.group.expiredOffsets(now: week - 1, pending: []) == [])
        #expect(driver.group.expiredOffsets(now: week, pending: []) == [b])
    }

    @Test("of members that do not say what they read are kept")
    func unknownSubscription() {
        var driver = group([a: 0])
        _ = driver.joinStable("m")
        #expect(driver.group.subscribedTopics == nil)
        #expect(driver.group.expiredOffsets(now: week, pending: []) == [])
    }

    @Test("whose commit says when expire then")
    func ownTime() {
        var driver = group([b: 0])
        driver.group.offsets.commit(
            CommittedOffset(offset: 1, commitTimestamp: 0, expireTimestamp: 50), for: a)
        driver.group.offsets.commit(
            CommittedOffset(offset: 1, commitTimestamp: 0, expireTimestamp: 3 * week), for: b)
        #expect(driver.group.expiredOffsets(now: 49, pending: []) == [])
        #expect(driver.group.expiredOffsets(now: 2 * week, pending: []) == [a])
    }

    @Test("the topics of a subscription are read, and bytes that are none are refused")
    func subscriptions() {
        #expect(ConsumerSubscription(subscription("orders"))?.topics == ["orders"])
        let whole = subscription("orders")
        for length in 0..<14 { #expect(ConsumerSubscription(Array(whole.prefix(length))) == nil, "\(length)") }
        #expect(ConsumerSubscription([0, 0, 0x7F, 0xFF, 0xFF, 0xFF]) == nil)
        #expect(ConsumerSubscription([0, 0, 0xFF, 0xFF, 0xFF, 0xFF]) == nil)
        #expect(ConsumerSubscription([0xFF, 0xFF, 0, 0, 0, 0]) == nil)
    }
}

import KafkaClient
import Testing

@testable import Tidings

@Suite struct SendFailureTests {
    @Test("what is wrong around a record is an obstacle", arguments: [31, 44, -184, -185, 74] as [Int32])
    func environment(code: Int32) {
        let failure = SendFailure(KafkaError(KafkaError.Code(rawValue: code), "no"))
        #expect(failure.isRetriable && !failure.isFatal)
    }

    @Test("what is wrong with a record itself is final", arguments: [2, 17, 32, 87, -186] as [Int32])
    func record(code: Int32) {
        let failure = SendFailure(KafkaError(KafkaError.Code(rawValue: code), "no"))
        #expect(!failure.isRetriable && !failure.isFatal && !failure.mayBeOut && failure.fault == nil)
    }

    @Test("what is wrong with a topic, or too large, is known for that", arguments: [3, 29, -188, 10] as [Int32])
    func fault(code: Int32) {
        let failure = SendFailure(KafkaError(KafkaError.Code(rawValue: code), "no"))
        #expect(failure.isRetriable == (code != 10) && !failure.isFatal && !failure.mayBeOut)
        #expect(failure.fault == (code == 10 ? .size : .topic))
    }

    @Test("what ends the producer is fatal")
    func fatal() {
        #expect(SendFailure(KafkaError(.closed, "closed")).isFatal)
        #expect(SendFailure(KafkaError(.transport, "fenced", isFatal: true)).isFatal)
    }
}

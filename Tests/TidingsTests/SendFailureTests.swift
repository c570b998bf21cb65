import KafkaClient
import Testing

@testable import Tidings

@Suite struct SendFailureTests {
    @Test("what is wrong around a record is an obstacle", arguments: [29, 3, 17, -188, -185, 74] as [Int32])
    func environment(code: Int32) {
        let failure = SendFailure(KafkaError(KafkaError.Code(rawValue: code), "no"))
        #expect(failure.isRetriable && !failure.isFatal)
    }

    @Test("what is wrong with a record itself is final", arguments: [10, 2, 32, 87] as [Int32])
    func record(code: Int32) {
        let failure = SendFailure(KafkaError(KafkaError.Code(rawValue: code), "no"))
        #expect(!failure.isRetriable && !failure.isFatal)
    }

    @Test("what ends the producer is fatal")
    func fatal() {
        #expect(SendFailure(KafkaError(.closed, "closed")).isFatal)
        #expect(SendFailure(KafkaError(.transport, "fenced", isFatal: true)).isFatal)
    }
}

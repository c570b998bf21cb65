import CRDKafka

/// Calls whose answer comes as an event on a queue, by the number that travels with them as their opaque.
///
/// Used by the handle's thread alone.
final class PendingCalls {
    typealias Answer = (Result<OpaquePointer, KafkaError>) -> Void

    private var calls: [UInt: Answer] = [:]
    private var last: UInt = 0

    /// Remembers a call; its answer gets the event, which it must not keep.
    func add(_ answer: @escaping Answer) -> UnsafeMutableRawPointer? {
        last += 1
        calls[last] = answer
        return UnsafeMutableRawPointer(bitPattern: last)
    }

    /// Hands an event to the call it answers.
    func answer(_ event: OpaquePointer) {
        take(rd_kafka_event_opaque(event))?(.success(event))
    }

    /// The call could not be made.
    func fail(_ opaque: UnsafeMutableRawPointer?, _ error: KafkaError) {
        take(opaque)?(.failure(error))
    }

    /// The client ends: nobody waits any longer.
    func failAll(_ error: KafkaError) {
        defer { calls = [:] }
        for answer in calls.values { answer(.failure(error)) }
    }

    private func take(_ opaque: UnsafeMutableRawPointer?) -> Answer? {
        calls.removeValue(forKey: UInt(bitPattern: opaque))
    }
}

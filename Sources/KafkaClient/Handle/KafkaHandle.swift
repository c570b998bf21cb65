import CRDKafka
import Logging

/// A librdkafka client, from its configuration to its end.
///
/// `@unchecked Sendable`: the pointer never changes, and librdkafka's functions on a handle may be called on any thread;
/// what must be in sequence is called by the handle's ``ClientThread`` alone, which also destroys it.
final class KafkaHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    private let context: Unmanaged<CallbackContext>

    /// Makes a client; `prepare` sets callbacks and events on the configuration.
    init(
        _ type: rd_kafka_type_t, properties: [String: String], gate: NetworkGate?, logger: Logger,
        prepare: (OpaquePointer) -> Void = { _ in }
    ) throws(KafkaError) {
        let context = CallbackContext(logger, gate: gate)
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaError(.invalidConfiguration, "librdkafka gave no configuration object")
        }
        do {
            // Those that other values are checked against come first; the rest in a stable order, for stable errors.
            try Self.set("log_level", context.level, in: configuration)
            for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
                try Self.set(name, value, in: configuration)
            }
        } catch {
            rd_kafka_conf_destroy(configuration)
            throw error
        }
        let retained = Unmanaged.passRetained(context)
        rd_kafka_conf_set_opaque(configuration, retained.toOpaque())
        rd_kafka_conf_set_log_cb(configuration, CallbackContext.callback)
        if gate != nil { NetworkGate.guardConnections(of: configuration) }
        prepare(configuration)

        var reason = [CChar](repeating: 0, count: 512)
        guard let pointer = rd_kafka_new(type, configuration, &reason, reason.count) else {
            rd_kafka_conf_destroy(configuration)
            retained.release()
            throw KafkaError(.invalidConfiguration, "librdkafka refuses this configuration: \(text(reason))")
        }
        self.pointer = pointer
        self.context = retained
    }

    private static func set(_ name: String, _ value: String, in configuration: OpaquePointer) throws(KafkaError) {
        var reason = [CChar](repeating: 0, count: 512)
        switch rd_kafka_conf_set(configuration, name, value, &reason, reason.count) {
        case RD_KAFKA_CONF_OK: return
        case RD_KAFKA_CONF_UNKNOWN:
            throw KafkaError(
                .invalidConfiguration,
                "librdkafka \(KafkaHandle.version) has no property '\(name)' (\(text(reason))); "
                    + "its CONFIGURATION.md lists those it has: correct the name or leave it out")
        default:
            throw KafkaError(
                .invalidConfiguration,
                "the property '\(name)' cannot be '\(value)': \(text(reason)); "
                    + "librdkafka's CONFIGURATION.md says which values it takes")
        }
    }

    /// The version of librdkafka that runs, which may be newer than the one compiled against.
    static var version: String { rd_kafka_version_str().map { String(cString: $0) } ?? "?" }

    /// The error that made this client unusable, if one did.
    var fatalError: KafkaError? {
        var reason = [CChar](repeating: 0, count: 512)
        let code = rd_kafka_fatal_error(pointer, &reason, reason.count)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
        return KafkaError(.init(code), text(reason), isFatal: true)
    }

    /// The messages whose fate is known but not counted yet; for the handle's thread.
    var tally: UnsafeMutablePointer<DeliveryTally> { context._withUnsafeGuaranteedRef { $0.tally } }

    /// Ends librdkafka's threads and frees everything. Blocks; nothing may use the handle afterwards.
    ///
    /// A consumer that has left its group, or given up on it, says so by `RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE`.
    func destroy(flags: Int32 = 0) {
        rd_kafka_destroy_flags(pointer, flags)
        context.release()
    }
}

/// The text in a C buffer that librdkafka wrote a reason into.
private func text(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

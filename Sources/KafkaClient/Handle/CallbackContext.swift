import CRDKafka
import Logging
import Synchronization

/// What librdkafka's callbacks get, as the handle's opaque: it carries the log lines to the logger that the user gave,
/// and the fates of messages to their sends. It lives until the handle is destroyed.
///
/// librdkafka logs on any of its threads. `@unchecked Sendable`: the tally is used within `rd_kafka_poll` and right
/// after it, by the handle's thread alone.
final class CallbackContext: @unchecked Sendable {
    let logger: Logger
    let gate: NetworkGate?
    let tally: UnsafeMutablePointer<DeliveryTally>
    private let repeated = Mutex(RepeatedLines())

    init(_ logger: Logger, gate: NetworkGate?) {
        self.logger = logger
        self.gate = gate
        tally = .allocate(capacity: 1)
        tally.initialize(to: DeliveryTally())
    }

    deinit {
        tally.deallocate()
    }

    /// librdkafka's `debug` property asks for lines of syslog's level 7, so its own level follows the logger's.
    var level: String {
        switch logger.logLevel {
        case .trace, .debug: "7"
        case .info: "6"
        case .notice: "5"
        case .warning: "4"
        case .error: "3"
        case .critical: "2"
        }
    }

    static let callback: @convention(c) (OpaquePointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Void =
        {
            handle, level, facility, line in
            guard let handle, let opaque = rd_kafka_opaque(handle), let line else { return }
            let context = Unmanaged<CallbackContext>.fromOpaque(opaque).takeUnretainedValue()
            context.log(
                swiftLevel(level), facility: facility.map { String(cString: $0) } ?? "", String(cString: line))
        }

    /// What is said over and over while a broker cannot be reached is there for whoever debugs.
    private func log(_ level: Logger.Level, facility: String, _ line: String) {
        let isRepeated = ["FAIL", "ERROR"].contains(facility) && repeated.withLock { $0.isRepeated(line) }
        logger.log(level: isRepeated ? .debug : level, "\(line)", metadata: ["librdkafka": .string(facility)])
    }

    private static func swiftLevel(_ syslog: Int32) -> Logger.Level {
        switch syslog {
        case ...2: .critical
        case 3: .error
        case 4: .warning
        case 5: .notice
        case 6: .info
        default: .debug
        }
    }
}

import Glibc
import NIOCore

/// Why a broker cannot start or go on. The message says what to do next.
public struct BrokerError: Error, Sendable, CustomStringConvertible {
    /// What kind of trouble it is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Base {
            case invalidConfiguration, directoryInUse, directoryUnusable, addressInUse, addressUnusable, remote, damaged
        }
        private let base: Base

        /// A property or address makes no sense.
        public static let invalidConfiguration = Code(base: .invalidConfiguration)
        /// Another broker works in the data directory.
        public static let directoryInUse = Code(base: .directoryInUse)
        /// The data directory cannot be made, read or written.
        public static let directoryUnusable = Code(base: .directoryUnusable)
        /// Another program listens at the address.
        public static let addressInUse = Code(base: .addressInUse)
        /// The address cannot be listened at: it is not this machine's, not allowed, or no address at all.
        public static let addressUnusable = Code(base: .addressUnusable)
        /// Listening beyond this machine was not allowed.
        public static let remoteNotAllowed = Code(base: .remote)
        /// What is on disk cannot be understood.
        public static let damaged = Code(base: .damaged)

        public var description: String { "\(base)" }
    }

    public let code: Code
    public let message: String
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// None of these goes away by trying again.
    public var isRetriable: Bool { false }
    /// Each of these keeps the broker from running.
    public var isFatal: Bool { true }

    public var description: String {
        guard let cause else { return message }
        // NIO's words name its own functions.
        let reason = (cause as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(cause)"
        return "\(message) (\(reason))"
    }
}

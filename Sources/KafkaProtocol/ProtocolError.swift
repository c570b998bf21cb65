/// What is wrong with bytes that should have been a Kafka frame, message or record batch, or with a message that
/// cannot be written in the version asked for.
///
///     do throws(ProtocolError) {
///         let request = try FetchRequest.decode(version: 11, from: &body)
///     } catch { logger.debug("closing connection: \(error)") }
///
/// None of these is retriable: the same bytes fail the same way again.
public struct ProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of fault; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case truncated, malformed, tooLarge, unsupportedVersion, unknownAPI, unsupportedMagic, corrupt
            case nullNotAllowed, notRepresentable, unsupportedCompression, compressionFailed
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The bytes end before the value does.
        public static let truncated = Code(.truncated)
        /// A length, count, tag or text that the protocol does not allow.
        public static let malformed = Code(.malformed)
        /// A limit of this library or its caller was exceeded, such as the size of decompressed records.
        public static let tooLarge = Code(.tooLarge)
        /// A version outside the range this message is described for.
        public static let unsupportedVersion = Code(.unsupportedVersion)
        /// An API key without a description here.
        public static let unknownAPI = Code(.unknownAPI)
        /// A record batch whose magic is not 2.
        public static let unsupportedMagic = Code(.unsupportedMagic)
        /// A checksum that does not match, or compressed data that does not decompress.
        public static let corrupt = Code(.corrupt)
        /// A null where this version has no null.
        public static let nullNotAllowed = Code(.nullNotAllowed)
        /// A value too large for its place on the wire, such as a string beyond 32,767 bytes.
        public static let notRepresentable = Code(.notRepresentable)
        /// A compression type that Kafka has not defined.
        public static let unsupportedCompression = Code(.unsupportedCompression)
        /// A compression library refused to compress.
        public static let compressionFailed = Code(.compressionFailed)

        public var description: String { kind.rawValue }
    }

    public let code: Code
    /// One sentence for a log line; never holds bytes of the input.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var isRetriable: Bool { false }
    public var isFatal: Bool { false }
    public var description: String { "\(code): \(message)" }
}

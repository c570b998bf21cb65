/// Asks which APIs and versions the broker speaks; the first request of a connection (KIP-35, KIP-511, KIP-584).
///
/// A broker that does not know the version of this very request answers in version 0 with `unsupportedVersion` and its
/// range for ApiVersions, without looking at the body.
public struct ApiVersionsRequest: KafkaRequest {
    public typealias Response = ApiVersionsResponse
    public static let apiKey = APIKey.apiVersions
    public static let versions: ClosedRange<Int16> = 0...4

    public var clientSoftwareName: String = ""
    public var clientSoftwareVersion: String = ""

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.string(&clientSoftwareName, from: 3)
        try coder.string(&clientSoftwareVersion, from: 3)
        try coder.tags()
    }
}

/// The APIs and versions that the broker speaks. Its response header is always version 0.
///
/// Below version 4, features whose least version is 0 must be left out (KAFKA-17011).
public struct ApiVersionsResponse: KafkaResponse {
    public typealias Request = ApiVersionsRequest

    public var errorCode: ErrorCode = .none
    public var apiKeys: [API] = []
    /// Milliseconds for which the broker held the client back; 0 here.
    public var throttleTimeMs: Int32 = 0
    public var supportedFeatures: [SupportedFeature] = []
    /// -1 when unknown.
    public var finalizedFeaturesEpoch: Int64 = -1
    public var finalizedFeatures: [FinalizedFeature] = []
    public var zkMigrationReady: Bool = false

    public init() {}

    public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
        try coder.errorCode(&errorCode)
        try coder.array(&apiKeys)
        try coder.int32(&throttleTimeMs, from: 1)
        try coder.tags { (coder: inout C) throws(ProtocolError) in
            try coder.array(&supportedFeatures, tag: 0)
            try coder.int64(&finalizedFeaturesEpoch, tag: 1, default: -1)
            try coder.array(&finalizedFeatures, tag: 2)
            try coder.bool(&zkMigrationReady, tag: 3)
        }
    }
}

extension ApiVersionsResponse {
    /// The versions of one API.
    public struct API: KafkaStructure {
        public var apiKey: APIKey = APIKey(rawValue: 0)
        public var minVersion: Int16 = 0
        public var maxVersion: Int16 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.int16(&apiKey.rawValue)
            try coder.int16(&minVersion)
            try coder.int16(&maxVersion)
            try coder.tags()
        }
    }

    /// The versions of a feature that the broker could use.
    public struct SupportedFeature: KafkaStructure {
        public var name: String = ""
        public var minVersion: Int16 = 0
        public var maxVersion: Int16 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.int16(&minVersion)
            try coder.int16(&maxVersion)
            try coder.tags()
        }
    }

    /// The version levels of a feature that the whole cluster uses.
    public struct FinalizedFeature: KafkaStructure {
        public var name: String = ""
        public var maxVersionLevel: Int16 = 0
        public var minVersionLevel: Int16 = 0

        public init() {}

        public mutating func describe<C: MessageCoder>(_ coder: inout C) throws(ProtocolError) {
            try coder.string(&name)
            try coder.int16(&maxVersionLevel)
            try coder.int16(&minVersionLevel)
            try coder.tags()
        }
    }
}

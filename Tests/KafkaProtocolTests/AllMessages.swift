import KafkaProtocol
import NIOCore
import Testing

/// Every message, by name, with its type put away, so that one test can go over all of them.
struct AnyMessage: Sendable, CustomTestStringConvertible {
    let name: String
    let versions: ClosedRange<Int16>
    /// Decodes; moves the reader index.
    let decode: @Sendable (Int16, inout ByteBuffer) throws -> any KafkaMessage

    init<M: KafkaMessage>(_ type: M.Type) {
        name = String(describing: type)
        versions = M.versions
        decode = { version, buffer in try M.decode(version: version, from: &buffer) }
    }

    var testDescription: String { name }

    static let all: [AnyMessage] = [
        pair(ApiVersionsRequest.self), pair(MetadataRequest.self), pair(ProduceRequest.self), pair(FetchRequest.self),
        pair(ListOffsetsRequest.self), pair(FindCoordinatorRequest.self), pair(JoinGroupRequest.self),
        pair(SyncGroupRequest.self), pair(HeartbeatRequest.self), pair(LeaveGroupRequest.self),
        pair(OffsetCommitRequest.self), pair(OffsetFetchRequest.self), pair(CreateTopicsRequest.self),
        pair(DeleteTopicsRequest.self), pair(InitProducerIdRequest.self), pair(DescribeGroupsRequest.self),
        pair(ListGroupsRequest.self), pair(AddPartitionsToTxnRequest.self), pair(AddOffsetsToTxnRequest.self),
        pair(EndTxnRequest.self), pair(TxnOffsetCommitRequest.self), pair(DeleteGroupsRequest.self),
        pair(OffsetDeleteRequest.self), pair(DeleteRecordsRequest.self), pair(OffsetForLeaderEpochRequest.self),
        pair(CreatePartitionsRequest.self), pair(DescribeConfigsRequest.self), pair(AlterConfigsRequest.self),
        pair(IncrementalAlterConfigsRequest.self), pair(DescribeLogDirsRequest.self), pair(DescribeClusterRequest.self),
        pair(DescribeProducersRequest.self), pair(DescribeTransactionsRequest.self), pair(ListTransactionsRequest.self),
        pair(DescribeTopicPartitionsRequest.self), pair(SaslHandshakeRequest.self), pair(SaslAuthenticateRequest.self),
    ].flatMap { $0 }

    private static func pair<R: KafkaRequest>(_ type: R.Type) -> [AnyMessage] {
        [AnyMessage(R.self), AnyMessage(R.Response.self)]
    }
}

extension KafkaMessage {
    func encoded(_ version: Int16) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        try encode(version: version, into: &buffer)
        return buffer
    }
}

/// A message's fields as text, in the form of Golden/messages.txt.
func canonical(_ value: Any) -> String {
    switch value {
    case let value as String: return "\"\(value)\""
    case let value as ByteBuffer: return "x" + hex(value)
    case let value as ErrorCode: return "\(value.rawValue)"
    case let value as APIKey: return "\(value.rawValue)"
    case let value as KafkaUUID: return hex(ByteBuffer(bytes: [value.high, value.low].flatMap(bigEndian)))
    default: break
    }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.map { canonical($0.value) } ?? "null"
    case .collection: return "[" + mirror.children.map { canonical($0.value) }.joined(separator: ",") + "]"
    case .struct where !mirror.children.isEmpty:
        let fields = mirror.children.map { (($0.label ?? "").lowercased(), canonical($0.value)) }
        return "{" + fields.sorted { $0.0 < $1.0 }.map { "\($0.0)=\($0.1)" }.joined(separator: ",") + "}"
    default: return value is any KafkaMessage ? "{}" : "\(value)"
    }
}

private func bigEndian(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) } }

func hex(_ buffer: ByteBuffer) -> String {
    buffer.readableBytesView.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

func bytes(hex: some StringProtocol) -> ByteBuffer {
    let digits = (hex == "-" ? "" : String(hex)).utf8.map { UInt8($0 < 58 ? $0 - 48 : $0 - 87) }
    return ByteBuffer(bytes: stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] })
}

import KafkaProtocol
import NIOCore

/// First the number of a message, then its version, then its body. What decodes must encode, and the encoding decode.
@Sendable func fuzzMessage(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard count >= 2 else { return 0 }
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    let message = messages[Int(bytes[0]) % messages.count]
    message(Int16(bytes[1] % 20), ByteBuffer(bytes: bytes.dropFirst(2)))
    return 0
}

/// Requests and their answers, in the order of their API keys.
private let messages: [@Sendable (Int16, ByteBuffer) -> Void] = [
    pair(ProduceRequest.self), pair(FetchRequest.self), pair(ListOffsetsRequest.self), pair(MetadataRequest.self),
    pair(OffsetCommitRequest.self), pair(OffsetFetchRequest.self), pair(FindCoordinatorRequest.self),
    pair(JoinGroupRequest.self), pair(HeartbeatRequest.self), pair(LeaveGroupRequest.self), pair(SyncGroupRequest.self),
    pair(DescribeGroupsRequest.self), pair(ListGroupsRequest.self), pair(SaslHandshakeRequest.self),
    pair(ApiVersionsRequest.self), pair(CreateTopicsRequest.self), pair(DeleteTopicsRequest.self),
    pair(DeleteRecordsRequest.self), pair(InitProducerIdRequest.self), pair(OffsetForLeaderEpochRequest.self),
    pair(AddPartitionsToTxnRequest.self), pair(AddOffsetsToTxnRequest.self), pair(EndTxnRequest.self),
    pair(TxnOffsetCommitRequest.self), pair(DescribeConfigsRequest.self), pair(AlterConfigsRequest.self),
    pair(DescribeLogDirsRequest.self), pair(SaslAuthenticateRequest.self), pair(CreatePartitionsRequest.self),
    pair(DeleteGroupsRequest.self), pair(IncrementalAlterConfigsRequest.self), pair(OffsetDeleteRequest.self),
    pair(DescribeClusterRequest.self), pair(DescribeProducersRequest.self), pair(DescribeTransactionsRequest.self),
    pair(ListTransactionsRequest.self), pair(DescribeTopicPartitionsRequest.self),
].flatMap { $0 }

private func pair<Request: KafkaRequest>(_ type: Request.Type) -> [@Sendable (Int16, ByteBuffer) -> Void] {
    [{ check(Request.self, $0, $1) }, { check(Request.Response.self, $0, $1) }]
}

private func check<Message: KafkaMessage>(_ type: Message.Type, _ version: Int16, _ body: ByteBuffer) {
    var body = body
    guard let message = try? Message.decode(version: version, from: &body) else { return }
    var first = ByteBuffer()
    guard (try? message.encode(version: version, into: &first)) != nil else {
        fatalError("\(Message.self) \(version) decodes to what does not encode")
    }
    var second = ByteBuffer()
    var rest = first
    guard let again = try? Message.decode(version: version, from: &rest),
        (try? again.encode(version: version, into: &second)) != nil, first == second
    else { fatalError("\(Message.self) \(version) is another after encoding and decoding") }
}

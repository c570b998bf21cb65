import KafkaProtocol
import NIOCore

@testable import KafkaBroker

/// A transactional producer of the tests: one request at a time, and no retries but those the protocol asks for.
struct TransactionalClient {
    var client: TestClient
    var id: String
    var producer: InternalLog.Producer

    func add(_ topic: String, _ partitions: [Int32], version: Int16 = 3) async throws -> ErrorCode {
        try await addEach(topic, partitions, version: version).first ?? .unknownServerError
    }

    func addEach(_ topic: String, _ partitions: [Int32], version: Int16 = 3) async throws -> [ErrorCode] {
        let request = AddPartitionsToTxnRequest { request in
            request.v3AndBelowTransactionalID = id
            request.v3AndBelowProducerID = producer.id
            request.v3AndBelowProducerEpoch = producer.epoch
            request.v3AndBelowTopics = [
                AddPartitionsToTxnRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.partitions = partitions
                }
            ]
        }
        let answer = try await client.send(request, version: version)
        return answer.resultsByTopicV3AndBelow.flatMap { $0.resultsByPartition.map(\.partitionErrorCode) }
    }

    func produce(
        _ value: String, to topic: String, partition: Int32 = 0, sequence: Int32
    ) async throws -> ErrorCode {
        var builder = RecordBatchBuilder(
            producerID: producer.id, producerEpoch: producer.epoch, baseSequence: sequence, isTransactional: true)
        builder.append(timestamp: 1_700_000_000_000, key: nil, value: ByteBuffer(string: value))
        var request = produceRequest(try builder.build(), to: topic, partition: partition)
        request.transactionalID = id
        let answer = try await client.send(request, version: 9)
        return answer.responses.first?.partitionResponses.first?.errorCode ?? .unknownServerError
    }

    /// Adds the group, then the offset; the first error of the two.
    func commitOffset(
        _ offset: Int64, of topic: String, group: String, member: String = "", generation: Int32 = -1,
        version: Int16 = 4
    ) async throws -> ErrorCode {
        let added = try await client.send(
            AddOffsetsToTxnRequest { request in
                request.transactionalID = id
                request.producerID = producer.id
                request.producerEpoch = producer.epoch
                request.groupID = group
            }, version: version)
        guard added.errorCode == .none else { return added.errorCode }
        let request = TxnOffsetCommitRequest { request in
            request.transactionalID = id
            request.groupID = group
            request.producerID = producer.id
            request.producerEpoch = producer.epoch
            request.memberID = member
            request.generationID = generation
            request.topics = [
                TxnOffsetCommitRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.partitions = [TxnOffsetCommitRequest.Partition { $0.committedOffset = offset }]
                }
            ]
        }
        let answer = try await client.send(request, version: version)
        return answer.topics.first?.partitions.first?.errorCode ?? .unknownServerError
    }

    func endRequest(commit: Bool) -> EndTxnRequest {
        EndTxnRequest { request in
            request.transactionalID = id
            request.producerID = producer.id
            request.producerEpoch = producer.epoch
            request.committed = commit
        }
    }

    func end(commit: Bool, version: Int16 = 3) async throws -> ErrorCode {
        try await client.send(endRequest(commit: commit), version: version).errorCode
    }
}

extension TestClient {
    /// Introduces a producer, and asks again while an earlier transaction is being aborted.
    func transactional(
        _ id: String, timeout: Int32 = 30_000, version: Int16 = 4
    ) async throws -> TransactionalClient {
        while true {
            let answer = try await send(
                InitProducerIdRequest { request in
                    request.transactionalID = id
                    request.transactionTimeoutMs = timeout
                }, version: version)
            if answer.errorCode == .concurrentTransactions { continue }
            guard answer.errorCode == .none else { throw answer.errorCode }
            let producer = InternalLog.Producer(id: answer.producerID, epoch: answer.producerEpoch)
            return TransactionalClient(client: self, id: id, producer: producer)
        }
    }

    func fetch(committed topic: String, partition: Int32 = 0) async throws -> FetchResponse.Partition {
        let response = try await send(committedFetch(topic, partition: partition), version: 11)
        guard let answer = response.responses.first?.partitions.first else {
            throw Unexpected(description: "no partition in the answer")
        }
        return answer
    }

    func latest(_ topic: String, committed: Bool) async throws -> Int64? {
        let request = ListOffsetsRequest { request in
            request.isolationLevel = committed ? 1 : 0
            request.topics = [
                ListOffsetsRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.partitions = [ListOffsetsRequest.Partition { $0.timestamp = -1 }]
                }
            ]
        }
        return try await send(request, version: 5).topics.first?.partitions.first?.offset
    }

    func stableOffset(_ topic: String, group: String) async throws -> OffsetFetchResponse.Partition {
        let request = OffsetFetchRequest { request in
            request.groupID = group
            request.requireStable = true
            request.topics = [
                OffsetFetchRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.partitionIndexes = [0]
                }
            ]
        }
        guard let answer = try await send(request, version: 7).topics.first?.partitions.first else {
            throw Unexpected(description: "no partition in the answer")
        }
        return answer
    }
}

func committedFetch(_ topic: String, partition: Int32 = 0, maxWaitMs: Int32 = 0) -> FetchRequest {
    var request = fetchRequest(topic, partition: partition, maxWaitMs: maxWaitMs)
    request.isolationLevel = 1
    return request
}

/// What a client that reads only committed records hands out: no markers, nothing of aborted transactions (KIP-98).
func values(
    in records: ByteBuffer?, without aborted: [FetchResponse.AbortedTransaction]?
) throws -> [String] {
    var reader = CommittedReader(records, without: aborted)
    var found: [String] = []
    while let batch = try reader.next() { found += try values(in: batch.bytes) }
    return found
}

/// The batches of a fetch that a client hands out when it reads only committed records.
struct CommittedReader {
    private var batches: RecordBatches
    private var waiting: [FetchResponse.AbortedTransaction]
    private var dropped: Set<Int64> = []
    /// Where to fetch next.
    private(set) var nextOffset: Int64 = 0

    init(_ records: ByteBuffer?, without aborted: [FetchResponse.AbortedTransaction]?) {
        batches = RecordBatches(records ?? ByteBuffer())
        waiting = (aborted ?? []).sorted { $0.firstOffset < $1.firstOffset }
    }

    mutating func next() throws -> RecordBatches.Batch? {
        while let batch = try batches.next() {
            let header = batch.header
            nextOffset = header.nextOffset
            while let next = waiting.first, next.firstOffset <= header.lastOffset {
                dropped.insert(next.producerID)
                waiting.removeFirst()
            }
            if header.isControl {
                if EndTransactionMarker(batch: batch.bytes)?.isCommit == false { dropped.remove(header.producerID) }
            } else if !header.isTransactional || !dropped.contains(header.producerID) {
                return batch
            }
        }
        return nil
    }
}

import Glibc
import KafkaLog
import KafkaProtocol
import Logging
import NIOCore
import Synchronization

@testable import KafkaBroker

/// A broker on a free port and a disk of its own; `body` may stop it and start it again.
func withTestBroker<Result>(
    _ configure: (inout BrokerConfiguration) throws -> Void = { _ in }, files: (any FileSystem)? = nil,
    _ body: (TestBroker) async throws -> Result
) async throws -> Result {
    let directory: String
    if files == nil {
        var template = Array("/tmp/kafka-broker-test-XXXXXX".utf8CString)
        directory = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
        }
    } else {
        directory = "/data"
    }
    var configuration = BrokerConfiguration(dataDirectory: directory)
    configuration.listen = HostAndPort(host: "127.0.0.1", port: 0)
    try configure(&configuration)
    let broker = TestBroker(configuration: configuration, files: files ?? PosixFileSystem())
    do {
        try await broker.start()
        let result = try await body(broker)
        try await broker.stop()
        if files == nil { try PosixFileSystem().removeTree(directory) }
        return result
    } catch {
        try? await broker.stop()
        if files == nil { try? PosixFileSystem().removeTree(directory) }
        throw error
    }
}

/// Not for several tasks at a time.
final class TestBroker {
    var configuration: BrokerConfiguration
    var files: any FileSystem
    private(set) var port = 0
    private let lines = Recorder.Lines()
    /// What the broker wrote to its log from `notice` on, with what stands beside it.
    var messages: [String] { lines.all.withLock { $0 } }
    private var task: Task<Void, any Error>?

    init(configuration: BrokerConfiguration, files: any FileSystem) {
        self.configuration = configuration
        self.files = files
    }

    func start() async throws {
        let broker = Broker(
            configuration: configuration, logger: Logger(label: "test") { _ in Recorder(lines: lines) },
            files: files)
        let task = Task { try await broker.run() }
        self.task = task
        port = try await broker.address().port
    }

    func stop() async throws {
        task?.cancel()
        defer { task = nil }
        try await task?.value
    }

    func restart() async throws {
        try await stop()
        try await start()
    }

    func connect() async throws -> TestClient {
        try await TestClient.connect(port: port)
    }
}

/// Keeps what is logged.
struct Recorder: LogHandler {
    final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    init(lines: Lines) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let beside = event.metadata.map { " \($0)" } ?? ""
        lines.all.withLock { $0.append("\(event.message)\(beside)") }
    }
}

extension TestClient {
    /// Makes a topic and answers with its id.
    @discardableResult
    func create(
        _ topic: String, partitions: Int32 = 1, configs: [String: String] = [:]
    ) async throws -> CreateTopicsResponse.Topic {
        let request = CreateTopicsRequest { request in
            request.topics = [
                CreateTopicsRequest.Topic { wanted in
                    wanted.name = topic
                    wanted.numPartitions = partitions
                    wanted.replicationFactor = 1
                    wanted.configs = configs.map { name, value in
                        CreateTopicsRequest.Config { config in
                            config.name = name
                            config.value = value
                        }
                    }
                }
            ]
        }
        let response = try await send(request)
        guard let answer = response.topics.first else { throw Unexpected(description: "no topic in the answer") }
        return answer
    }

    func produce(
        _ values: [String], to topic: String, partition: Int32 = 0, acks: Int16 = -1, version: Int16 = 9
    ) async throws -> ProduceResponse.Partition {
        try await produce(records(values), to: topic, partition: partition, acks: acks, version: version)
    }

    func produce(
        _ records: ByteBuffer, to topic: String, partition: Int32 = 0, acks: Int16 = -1, version: Int16 = 9
    ) async throws -> ProduceResponse.Partition {
        let response = try await send(
            produceRequest(records, to: topic, partition: partition, acks: acks), version: version)
        guard let answer = response.responses.first?.partitionResponses.first else {
            throw Unexpected(description: "no partition in the answer")
        }
        return answer
    }

    func fetch(
        _ topic: String, partition: Int32 = 0, from offset: Int64 = 0, maxWaitMs: Int32 = 0, minBytes: Int32 = 1,
        version: Int16 = 11
    ) async throws -> FetchResponse.Partition {
        let response = try await send(
            fetchRequest(topic, partition: partition, from: offset, maxWaitMs: maxWaitMs, minBytes: minBytes),
            version: version)
        guard let answer = response.responses.first?.partitions.first else {
            throw Unexpected(description: "no partition in the answer: \(response.errorCode)")
        }
        return answer
    }
}

func records(_ values: [String]) -> ByteBuffer {
    var builder = RecordBatchBuilder()
    for value in values {
        builder.append(timestamp: 1_700_000_000_000, key: nil, value: ByteBuffer(string: value))
    }
    return (try? builder.build()) ?? ByteBuffer()
}

func values(in records: ByteBuffer?) throws -> [String] {
    var batches = RecordBatches(records ?? ByteBuffer())
    var values: [String] = []
    while let batch = try batches.next() {
        var reader = try RecordBatchReader(batch.bytes, decompressionLimit: 1 << 20)
        while let record = try reader.next() { values.append(record.value.map { String(buffer: $0) } ?? "null") }
    }
    return values
}

func produceRequest(
    _ records: ByteBuffer, to topic: String, partition: Int32 = 0, acks: Int16 = -1
) -> ProduceRequest {
    ProduceRequest { request in
        request.acks = acks
        request.timeoutMs = 5_000
        request.topicData = [
            ProduceRequest.Topic { data in
                data.name = topic
                data.partitionData = [
                    ProduceRequest.Partition { data in
                        data.index = partition
                        data.records = records
                    }
                ]
            }
        ]
    }
}

func fetchRequest(
    _ topic: String, id: KafkaUUID = .zero, partition: Int32 = 0, from offset: Int64 = 0, maxWaitMs: Int32 = 0,
    minBytes: Int32 = 1, maxBytes: Int32 = 1 << 20
) -> FetchRequest {
    FetchRequest { request in
        request.maxWaitMs = maxWaitMs
        request.minBytes = minBytes
        request.maxBytes = maxBytes
        request.topics = [
            FetchRequest.Topic { wanted in
                wanted.topic = topic
                wanted.topicID = id
                wanted.partitions = [
                    FetchRequest.Partition { wanted in
                        wanted.partition = partition
                        wanted.fetchOffset = offset
                        wanted.partitionMaxBytes = 1 << 20
                    }
                ]
            }
        ]
    }
}

import Dispatch
import KafkaLog
import KafkaProtocol
import NIOCore
import Synchronization

/// Makes one batch as a producer would.
func makeBatch(
    _ values: [String], producer: Int64 = -1, epoch: Int16 = -1, sequence: Int32 = -1, timestamp: Int64 = 1000,
    compression: Compression = .none, key: String? = "k"
) throws -> ByteBuffer {
    var builder = RecordBatchBuilder(
        compression: compression, producerID: producer, producerEpoch: epoch, baseSequence: sequence)
    for (index, value) in values.enumerated() {
        builder.append(
            timestamp: timestamp + Int64(index), key: key.map { ByteBuffer(string: $0) },
            value: ByteBuffer(string: value))
    }
    return try builder.build()
}

/// A batch of an idempotent producer, numbered by its sequence.
func idempotent(_ sequence: Int32, count: Int = 1, producer: Int64 = 7, epoch: Int16 = 0) throws -> ByteBuffer {
    let values = (0..<count).map { "\(producer)/\(epoch)/\(Int(sequence) + $0)" }
    return try makeBatch(values, producer: producer, epoch: epoch, sequence: sequence)
}

/// A record as a reader sees it.
struct Read: Equatable, CustomStringConvertible {
    var offset: Int64
    var value: String
    var description: String { "\(offset): \(value)" }
}

/// All records between two offsets, read piece by piece.
func records(
    _ log: PartitionLog, from start: Int64? = nil, upTo: Int64? = nil, maxBytes: Int = 4096
) throws -> [Read] {
    var next = start ?? log.logStartOffset
    var all: [Read] = []
    while true {
        let bytes = try log.read(from: next, maxBytes: maxBytes, upTo: upTo)
        if bytes.readableBytes == 0 { return all }
        var batches = RecordBatches(bytes)
        while let batch = try batches.next() {
            var reader = try RecordBatchReader(batch.bytes, decompressionLimit: 1 << 20)
            while let record = try reader.next() {
                guard record.offset >= next else { continue }
                all.append(Read(offset: record.offset, value: record.value.map { String(buffer: $0) } ?? "-"))
            }
            next = batch.header.lastOffset + 1
        }
    }
}

func reads(_ values: [String], from offset: Int64 = 0) -> [Read] {
    values.enumerated().map { Read(offset: offset + Int64($0.offset), value: $0.element) }
}

/// A clock that moves when it is told to.
final class ManualClock: Sendable {
    private let time = Atomic<Int64>(1_700_000_000_000)
    var now: @Sendable () -> Int64 { { self.time.load(ordering: .relaxed) } }
    func advance(_ milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
}

func smallSegments(_ bytes: Int = 1000) -> LogConfiguration {
    var configuration = LogConfiguration()
    configuration.segmentBytes = bytes
    configuration.indexIntervalBytes = 200
    return configuration
}

/// The error a call throws, as the log's.
func logError(_ body: () throws -> Void) -> LogError? {
    do {
        try body()
        return nil
    } catch {
        return error as? LogError
    }
}

/// A directory on the real disk that goes when the test does.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var random = SystemRandomNumberGenerator()
        path = "/tmp/tidings-log-\(random.next())"
        try PosixFileSystem().createDirectory(path)
    }

    deinit { try? PosixFileSystem().removeTree(path) }
}

/// Opens once; whoever waits sleeps in the kernel. `@unchecked Sendable`: a dispatch semaphore and an atomic.
final class Gate: @unchecked Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let opened = Atomic(false)
    var isOpen: Bool { opened.load(ordering: .acquiring) }

    func open() {
        if !opened.exchange(true, ordering: .acquiringAndReleasing) { semaphore.signal() }
    }

    /// Waits until it is open, or as long as it takes to be sure that it will not.
    func wait(milliseconds: Int) {
        if semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) == .success { semaphore.signal() }
    }
}

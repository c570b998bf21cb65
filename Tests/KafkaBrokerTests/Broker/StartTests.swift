import KafkaLog
import KafkaProtocol
import Logging
import Testing

@testable import KafkaBroker

@Suite("A broker that starts")
struct StartTests {
    private func failure(of configuration: BrokerConfiguration) async -> BrokerError? {
        let broker = Broker(
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        do {
            try await broker.run()
            return nil
        } catch {
            return error as? BrokerError
        }
    }

    @Test("refuses a directory in which another broker works, and leaves the other alone")
    func refusesSharedDirectory() async throws {
        try await withTestBroker { broker in
            let error = await failure(of: broker.configuration)
            #expect(error?.code == .directoryInUse)
            #expect(error?.message.contains("--data-dir") == true)
            let topic = try await broker.connect().create("t")
            #expect(topic.errorCode == .none)
        }
    }

    @Test("refuses a port in use")
    func refusesPort() async throws {
        try await withTestBroker { broker in
            var configuration = BrokerConfiguration(dataDirectory: broker.configuration.dataDirectory + "/other")
            configuration.listen = HostAndPort(host: "127.0.0.1", port: broker.port)
            let error = await failure(of: configuration)
            #expect(error?.code == .addressInUse)
            #expect(error?.description.contains("with --listen, 0 for a free one (Address already in use)") == true)
        }
    }

    @Test("says of an address that is not this machine's that it cannot be used, not that somebody uses it")
    func refusesAddress() async throws {
        for host in ["192.0.2.1", "no-such-host.invalid"] {
            try await withTestBroker { broker in
                var configuration = BrokerConfiguration(dataDirectory: broker.configuration.dataDirectory + "/other")
                configuration.listen = HostAndPort(host: host, port: 0)
                configuration.allowsRemote = true
                let error = await failure(of: configuration)
                #expect(error?.code == .addressUnusable)
                #expect(error?.message.contains("another program") == false)
                #expect(error?.cause != nil)
            }
        }
    }

    @Test("refuses limits between which no session fits, and says which to change")
    func refusesSessionLimits() async throws {
        var configuration = BrokerConfiguration(dataDirectory: "/proc/nowhere")
        configuration.listen.port = 0
        try configuration.set("group.max.session.timeout.ms", to: "5000")
        let error = await failure(of: configuration)
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("group.min.session.timeout.ms=6000") == true)
    }

    @Test("refuses a directory that cannot be made")
    func refusesDirectory() async {
        var configuration = BrokerConfiguration(dataDirectory: "/proc/nowhere")
        configuration.listen.port = 0
        #expect(await failure(of: configuration)?.code == .directoryUnusable)
    }

    @Test(
        "refuses a file as its directory, and says that it is one, not that it has to be made writable",
        arguments: [("/dev/null", "it is a file"), ("/dev/null/data", "a part of its path is a file")])
    func refusesFile(_ path: String, _ reason: String) async {
        var configuration = BrokerConfiguration(dataDirectory: path)
        configuration.listen.port = 0
        let error = await failure(of: configuration)
        #expect(error?.code == .directoryUnusable)
        #expect(error?.message == "\(path) is no directory: \(reason); choose another --data-dir")
    }

    @Test("refuses to listen beyond this machine unless told so, and says what that means")
    func refusesRemote() async {
        var configuration = BrokerConfiguration(dataDirectory: "/proc/nowhere")
        configuration.listen = HostAndPort(host: "0.0.0.0", port: 0)
        let error = await failure(of: configuration)
        #expect(error?.code == .remoteNotAllowed)
        #expect(error?.message.contains("authentication") == true)
    }

    @Test("refuses metadata that is damaged, and changes nothing")
    func refusesDamage() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            try await broker.connect().create("t")
            try await broker.stop()
            try files.flipBit(in: "/data/metadata", at: 20)
            await #expect(throws: BrokerError.self) { try await broker.start() }
            try files.flipBit(in: "/data/metadata", at: 20)
            try await broker.start()
            let client = try await broker.connect()
            #expect(try await client.produce(["a"], to: "t").errorCode == .none)
        }
    }

    @Test("finishes deletions, and sets aside and names the directories of partitions that no topic has")
    func tidiesUp() async throws {
        let files = SimulatedFileSystem(seed: 1)
        try await withTestBroker(files: files) { broker in
            let client = try await broker.connect()
            try await client.create("t")
            #expect(try await client.produce(["a"], to: "t").errorCode == .none)
            try await broker.stop()
            // As an old copy of the metadata would have it: the topic is not known, its records are there.
            let metadata = try MetadataStore(directory: "/data", files: files)
            try metadata.update { $0.topics = [] }
            try files.createDirectory("/data/old-0.x.deleted")
            try files.createDirectory("/data/notes")
            try await broker.start()
            #expect(!files.exists("/data/old-0.x.deleted"))
            #expect(files.exists("/data/notes"))
            let strays = try files.list("/data").filter { $0.hasPrefix("t-0.") && $0.hasSuffix(".stray") }
            #expect(strays.count == 1)
            #expect(try files.list("/data/\(strays[0])").contains { $0.hasSuffix(".log") })
            #expect(broker.messages.contains { $0.contains("/data/\(strays[0])") })
            let again = try await broker.connect()
            #expect(try await again.create("t").errorCode == .none)
            #expect(try await again.fetch("t").highWatermark == 0)
        }
    }

    @Test("what was written before brokers had properties of their own is read, and written in the new form")
    func readsOldMetadata() throws {
        let files = SimulatedFileSystem(seed: 1)
        try files.createDirectories("/data")
        var image = MetadataImage()
        image.clusterID = .random()
        image.nextProducerID = 7000
        image.topics = [
            MetadataImage.Topic(name: "t", id: .random(), partitions: 2, configuration: ["segment.ms": "7"])
        ]
        let old = CheckpointFile(path: "/data/metadata", version: 0, files: files)
        try old.write(try image.stored(version: 0))
        let store = try MetadataStore(directory: "/data", files: files)
        #expect(store.image == image)
        try store.update { $0.brokers = [MetadataImage.Broker(name: "1", properties: ["num.partitions": "3"])] }
        let again = try MetadataStore(directory: "/data", files: files).image
        #expect(again.topics == image.topics && again.brokers.map(\.properties.values) == [["num.partitions": "3"]])
        #expect(throws: CheckpointFile.Damage.self) { try old.read() }
    }
}

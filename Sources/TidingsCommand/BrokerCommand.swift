import ArgumentParser
import Glibc
import KafkaBroker
import Logging
import ServiceLifecycle
import UnixSignals

/// `tidings broker`: reads the arguments, runs the broker until a signal, says what went wrong.
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Run a Kafka broker on this machine.",
        discussion: """
            Any Kafka client can use it, for example:

              tidings broker --listen 127.0.0.1:9092 --data-dir data
              echo 'hello' | kcat -b 127.0.0.1:9092 -P -t greetings
              kcat -b 127.0.0.1:9092 -C -t greetings -e

            When it accepts connections it prints one line on standard output,
            'tidings broker ready at HOST:PORT'; with --json {"ready":"HOST:PORT"}. Its log
            goes to standard error.

            A record acknowledged with acks=all is on disk before the acknowledgement;
            it survives kill -9 and a power cut. 'log.flush.interval.messages' weakens
            that for speed. SIGTERM and SIGINT (Ctrl-C) stop it cleanly.

            PROPERTIES (--config NAME=VALUE, with Kafka's names; here with their defaults)
            \(Self.properties)

            EXIT CODES
              0   stopped cleanly, by a signal
              1   it could not start or go on: the port or the folder is in use,
                  the disk is full
              64  the arguments are wrong
            """)

    /// Two lines each, since both together have no room in a terminal's 80 columns: name with its default, and what it means.
    private static var properties: String {
        BrokerConfiguration.properties.map { "  \($0.name)=\($0.defaultValue)\n      \($0.summary)" }
            .joined(separator: "\n")
    }

    @Option(
        help: ArgumentHelp(
            "Where to accept connections. Port 0 takes a free one; the ready line says which. (default: 127.0.0.1:9092)",
            valueName: "host:port"), transform: HostAndPort.read)
    var listen = HostAndPort(host: "127.0.0.1", port: 9092)

    @Option(
        help: ArgumentHelp(
            "The directory for records and groups; made if missing. One broker at a time.", valueName: "dir"))
    var dataDir: String

    @Option(
        help: ArgumentHelp(
            "The address clients are told to use, if it is not the one listened at (containers, NAT).",
            valueName: "host:port"), transform: HostAndPort.read)
    var advertise: HostAndPort?

    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "A broker property, such as num.partitions=8. May be given several times.", valueName: "name=value"))
    var properties: [String] = []

    @Flag(
        help: """
            Allow --listen beyond this machine. There is no authentication and no encryption: whoever reaches the port \
            can read, write and delete everything.
            """)
    var allowRemote = false

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning or error.", valueName: "level"))
    var logLevel = Logger.Level.info

    @OptionGroup var json: JSONOption

    func validate() throws {
        _ = try brokerConfiguration()
    }

    func run() async throws {
        let logger = Self.logger(level: logLevel)
        let broker = Broker(configuration: try brokerConfiguration(), logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: broker, successTerminationBehavior: .gracefullyShutdownGroup),
                    .init(service: ReadyLine(broker: broker, isJSON: json.isJSON), successTerminationBehavior: .ignore),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.logger(level: .error)))
        do {
            try await group.run()
        } catch let error as BrokerError {
            write("tidings broker: \(error)\n", to: STDERR_FILENO)
            throw ExitCode.failure
        }
    }

    private func brokerConfiguration() throws -> BrokerConfiguration {
        var configuration = BrokerConfiguration(dataDirectory: dataDir)
        configuration.listen = listen
        configuration.advertise = advertise
        configuration.allowsRemote = allowRemote
        for property in properties {
            guard let equals = property.firstIndex(of: "=") else {
                throw ValidationError("--config takes NAME=VALUE, not '\(property)'")
            }
            do {
                try configuration.set(
                    String(property[..<equals]), to: String(property[property.index(after: equals)...]))
            } catch {
                throw ValidationError("\(error)")
            }
        }
        return configuration
    }

    private static func logger(level: Logger.Level) -> Logger {
        var logger = Logger(label: "broker") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }
}

/// Says on standard output, once, that connections are accepted.
private struct ReadyLine: Service {
    let broker: Broker
    let isJSON: Bool

    func run() async throws {
        let address = try await broker.address()
        write(isJSON ? #"{"ready":"\#(address)"}"# + "\n" : "tidings broker ready at \(address)\n", to: STDOUT_FILENO)
        releaseCodeOfStart()
    }
}

extension HostAndPort: Written, ExpressibleByArgument {
    static let forms = "a host and a port, such as 127.0.0.1:9092 or [::1]:9092"

    public init?(argument: String) {
        self.init(argument)
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}

import ArgumentParser
import Glibc
import KafkaClient
import Tidings

/// `tidings replay`: a service's handlers handle history again.
struct ReplayCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Set a service's handlers back in history, so that they handle it again.",
        discussion: """
            What a Tidings service has handled is true in its own database. This sets it
            back there, to a point of each partition's log; without --execute it shows
            what it would do.

              tidings replay invoicing --database invoicing.db --topic order --from 10m
              tidings replay invoicing --database invoicing.db --topic order \\
                --from 10m --execute
              tidings replay invoicing-2 --new --database postgres://shop@db/invoicing \\
                --topic order --from beginning --execute --wait

            When the service runs, its handlers handle those records again, in the same
            order, and their effects in the database happen again. A record that is
            handled again says so (Delivery.isReplayed), so that a handler can leave out
            what must not be repeated, an e-mail for instance. Of two records that are
            the same event, sent twice by a relay, one before the point and one behind
            it, the second has its effect, too.

            While instances of the service have the partitions it is refused: stop them
            first. --force does it all the same; they notice with the next record they
            handle, and read from there.

            --new gives a group that has never handled anything its start. All that is
            in the log by then is a replay for it.

            --wait shows how far the service has come, and ends when it has handled
            again all that is there now. Ctrl-C ends the waiting, and nothing else.

            \(Point.help)

            \(Settings.help)

            \(Exits.help)
            """)

    @OptionGroup var kafka: KafkaOptions
    @OptionGroup var database: DatabaseOption
    @OptionGroup var json: JSONOption

    @Argument(help: "The handlers' consumer group.")
    var group: String

    @Option(
        name: .customLong("topic"),
        help: ArgumentHelp(
            "A topic, or some of its partitions (order:0,3). May be given several times.",
            valueName: "topic[:partitions]"), transform: TopicSelection.read)
    var topics: [TopicSelection]

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Where to start again.", valueName: "point"),
        transform: Point.read)
    var from: Point

    @Flag(help: "The group is new: it has handled nothing yet.")
    var new = false

    @Flag(help: "Do it.")
    var execute = false

    @Flag(help: "Do it even while instances of the service run.")
    var force = false

    @Flag(help: "Then wait until all that is there now has been handled again.")
    var wait = false

    func validate() throws {
        if wait || force, !execute { throw ValidationError("--wait and --force go with --execute") }
    }

    func perform() async throws {
        let cluster = try await kafka.connect()
        try await run(on: try await database.open(), cluster)
    }

    private func run(on store: some Store, _ cluster: Cluster) async throws {
        let partitions = try await cluster.partitions(of: topics)
        let rewind = try await Rewind.plan(
            of: group, in: partitions, to: from.point, store: store, admin: cluster.admin)
        guard rewind.isNewGroup == new else {
            throw CommandFailure.notThere(
                new
                    ? "\(group) is not new: it has handled records of these topics; leave --new out"
                    : "\(group) has handled nothing of these topics in this database; if it is a new group, say --new")
        }
        if execute { try await perform(rewind) }
        try show(rewind)
        if wait { try await wait(for: rewind, cluster) }
    }

    private func perform(_ rewind: Rewind<some Store>) async throws {
        do {
            try await rewind.execute(force: force)
        } catch let error as TidingsError where [.groupInUse, .offsetsMoved].contains(error.code) {
            throw CommandFailure.notThere(
                "\(error.message)\nNothing was set back. --force does it while they run: see 'tidings replay --help'")
        }
    }

    // MARK: Showing

    private struct Row: Encodable {
        var topic: String
        var partition: Int32
        var handled: Int64?
        var target: Int64
        var repeated: Int64
        var member: String?
        var executed: Bool
    }

    private func show<S>(_ rewind: Rewind<S>) throws {
        if json.isJSON {
            for place in rewind.places {
                try printJSON(
                    Row(
                        topic: place.partition.topic, partition: place.partition.partition, handled: place.handled,
                        target: place.target, repeated: place.repeated, member: place.member, executed: execute))
            }
            return
        }
        printTable(
            ["TOPIC", "PARTITION", "HANDLED", "NEW", "EFFECT", "MEMBER"],
            rewind.places.map { place in
                [
                    place.partition.topic, "\(place.partition.partition)", place.handled.map { "\($0)" } ?? "none",
                    "\(place.target)", effect(of: place.repeated, isNew: place.handled == nil),
                    place.member.map { readable($0) } ?? "nobody",
                ]
            })
        if !execute { printLine("\nThis was a dry run; --execute does it.") }
        if execute, rewind.places.contains(where: { $0.member != nil }) {
            printLine(
                "\nInstances have partitions: each notices with the next record that comes there, and goes on from its "
                    + "new place.")
        }
    }

    private func effect(of repeated: Int64, isNew: Bool) -> String {
        if repeated == 0 { return "none" }
        if repeated < 0 { return "\(counted(-repeated, "record")) passed over" }
        return isNew ? "\(counted(repeated, "record")) to handle" : "\(counted(repeated, "record")) again"
    }

    // MARK: Waiting

    private func wait<S: Store>(for rewind: Rewind<S>, _ cluster: Cluster) async throws {
        let watch = try await ReplayWatch(rewind, kafka: cluster.configuration, logger: cluster.logger)
        var now = try await watch.look()
        let progress = Progress("handling again", of: now.total, unit: "records")
        defer { progress.end() }
        let first = now.handled
        var looks = 0
        while !now.isDone {
            progress.reached(now.handled)
            looks += 1
            if looks == 25, now.handled == first {
                progress.end()
                write(
                    "tidings: nothing has been handled again yet; an instance notices with the next record that comes to its "
                        + "partitions, or when it is started again\n", to: STDERR_FILENO)
            }
            // Another process handles them, and tells nobody.
            try await Task.sleep(for: .milliseconds(200))
            now = try await watch.look()
        }
        progress.end()
        if json.isJSON {
            try printJSON(["handledAgain": now.total])
        } else {
            printLine("\(counted(now.total, "record")) handled again")
        }
    }
}

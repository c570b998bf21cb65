import ArgumentParser
import Foundation
import Glibc
import Logging

/// `shop all`: the whole shop, each part in a process of its own.
struct AllCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all",
        abstract: "Runs the whole shop: broker, order, shipping, two invoicing instances, statistics.",
        discussion: """
            Each part is a process of its own; one that dies is started again. The shop uses six ports in a row: the \
            start page, orders, shipments, invoices, statistics and, without --kafka, its own broker. What happens to \
            them is told on the start page; with LOG_LEVEL=info in the environment they tell here what they do.
            """)

    @OptionGroup var shop: ShopOptions

    func run() async throws {
        // So that the line that says where to look is not lost among what all of them do.
        Log.calmDown()
        do {
            let directory = try shop.directory()
            try directory.claim()
            try shop.checkKafka()
            try checkPorts()
            try await shop.reachKafka()
            try await shop.reachDatabase()
            try await supervise(directory)
        } catch let error as ShopError {
            Log.complain(error.description)
            throw ExitCode.failure
        }
    }

    /// Synchronous on purpose: the supervisor's loop holds the main thread, which lives as long as the program.
    @MainActor private func supervise(_ directory: DataDirectory) throws {
        var supervisor = try Supervisor(
            children(in: directory), list: ProcessList(in: directory), logger: Log.make("all")
        ) { [overview = overview(directory), ports = shop.ports] in
            FileHandle.standardOutput.write(
                Data("\(overview)\nshop ready at http://127.0.0.1:\(ports.start)\n".utf8))
        }
        try supervisor.run()
    }

    /// Where everything is.
    private func overview(_ directory: DataDirectory) -> String {
        let ports = shop.ports
        return """
            orders      http://127.0.0.1:\(ports.orders)
            shipments   http://127.0.0.1:\(ports.shipments)
            invoices    http://127.0.0.1:\(ports.invoices)
            statistics  http://127.0.0.1:\(ports.statistics)
            \(shop.kafka == nil ? "broker" : "Kafka ")      \(shop.bootstrapServers.joined(separator: ","))
            data        \(directory.path)
            Ctrl-C stops it all.
            """
    }

    private func checkPorts() throws {
        let ports = shop.ports
        try PortCheck.requireFree(ports.start, for: "the start page")
        try PortCheck.requireFree(ports.orders, for: "orders")
        try PortCheck.requireFree(ports.shipments, for: "shipments")
        try PortCheck.requireFree(ports.invoices, for: "invoices")
        try PortCheck.requireFree(ports.statistics, for: "statistics")
        if shop.kafka == nil { try PortCheck.requireFree(ports.broker, for: "the shop's broker") }
    }

    private func children(in directory: DataDirectory) -> [Child] {
        var children: [Child] = []
        func add(_ role: String, _ instance: Int = 1, _ arguments: [String] = [], isWanted: Bool = true) {
            children.append(
                Child(
                    role: role, instance: instance, arguments: [role] + shop.arguments(in: directory) + arguments,
                    isWanted: isWanted))
        }
        if shop.kafka == nil { add("broker") }
        add("start")
        add("order")
        add("shipping-page")
        add("invoicing-page")
        add("shipping", 1, ["--instance", "1"])
        add("invoicing", 1, ["--instance", "1"])
        add("invoicing", 2, ["--instance", "2"])
        // Waits for someone to want it, on the start page.
        add("invoicing", 3, ["--instance", "3"], isWanted: false)
        add("statistics")
        return children
    }
}

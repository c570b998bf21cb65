import CProcess
import Glibc
import Logging

/// Keeps the shop's processes running: one thread, one loop that waits for signals, for what the children say and for
/// the moment to start one again.
///
/// Single-threaded on purpose: the kernel ends a child with the *thread* that started it, and this one ends only with
/// the whole program.
struct Supervisor {
    /// How often a process may die at once, one death after the other, before the shop has opened.
    static let deathsBeforeOpening = 5
    /// How long the processes have to end by themselves.
    static let patience: Duration = .seconds(8)

    var children: [Child]
    private let list: ProcessList
    private let logger: Logger
    private var hasOpened = false
    /// Whether all were started that are wanted: they rest on the broker, and wait for it to be ready first.
    private var hasStartedAll = false
    /// Called once everything answers.
    private let onOpen: () -> Void
    /// Every signal that arrives is a byte here.
    private let signals: Int32

    /// The children are started in the given order, a broker before all others, and stopped in the reverse one.
    init(_ children: [Child], list: ProcessList, logger: Logger, onOpen: @escaping () -> Void) throws {
        signals = cprocess_signals_to_pipe()
        guard signals >= 0 else { throw ShopError("Signals cannot be watched: \(String(cString: strerror(errno)))") }
        self.children = children
        self.list = list
        self.logger = logger
        self.onOpen = onOpen
    }

    /// Runs until SIGTERM, SIGINT or SIGHUP arrives, then takes everything down.
    mutating func run() throws {
        defer { takeDown() }
        // Who is told something may just have died.
        Glibc.signal(SIGPIPE, SIG_IGN)
        for index in children.indices where children[index].role == "broker" { try children[index].start() }
        try startRest()
        try list.write(entries)
        while true {
            let numbers = wait()
            if numbers.contains(where: { $0 != SIGCHLD }) { return }
            reap()
            try startDue()
            try startRest()
            try openIfReady()
        }
    }

    /// Waits until something happens; returns the signals that arrived.
    private mutating func wait() -> [Int32] {
        var watched = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        let speakers = children.indices.filter { children[$0].output >= 0 }
        watched += speakers.map { pollfd(fd: children[$0].output, events: Int16(POLLIN), revents: 0) }
        poll(&watched, nfds_t(watched.count), millisecondsUntilNextStart)
        for (place, index) in speakers.enumerated() where watched[place + 1].revents != 0 {
            let wasReady = children[index].isReady
            for line in children[index].readOutput() { answer(line, from: index) }
            if children[index].isReady != wasReady { writeList() }
        }
        return readSignals()
    }

    private func readSignals() -> [Int32] {
        var numbers = [UInt8](repeating: 0, count: 64)
        let count = read(signals, &numbers, numbers.count)
        return count > 0 ? numbers[..<count].map(Int32.init) : []
    }

    /// Until the next process is due to be started again; -1, which is for ever, when none is.
    private var millisecondsUntilNextStart: Int32 {
        children.compactMap(\.startAgainAt).min().map(Self.milliseconds(until:)) ?? -1
    }

    /// Rounded up, so that the moment has come when the wait is over.
    private static func milliseconds(until moment: ContinuousClock.Instant) -> Int32 {
        let wait = moment - .now
        guard wait > .zero else { return 0 }
        return Int32(clamping: Int64(wait / .milliseconds(1)) + 1)
    }

    private mutating func reap() {
        var status: Int32 = 0
        var somethingEnded = false
        while case let pid = waitpid(-1, &status, WNOHANG), pid > 0 {
            guard let index = children.firstIndex(where: { $0.pid == pid }) else { continue }
            children[index].ended(status: status)
            somethingEnded = true
            let next = children[index].isWanted ? " and is started again" : ""
            logger.warning("\(children[index].name) \(children[index].lastEnd ?? "ended")\(next)")
        }
        if somethingEnded { writeList() }
    }

    private mutating func startDue() throws {
        for index in children.indices {
            guard let due = children[index].startAgainAt, due <= .now else { continue }
            if !hasOpened, children[index].earlyDeaths >= Self.deathsBeforeOpening {
                throw ShopError("\(children[index].name) dies each time it is started; its log above says why.")
            }
            try children[index].start()
            writeList()
        }
    }

    /// Starts what rests on the broker, once that is ready: nobody then complains that it is not there.
    private mutating func startRest() throws {
        guard !hasStartedAll, children.allSatisfy({ $0.role != "broker" || $0.isReady }) else { return }
        hasStartedAll = true
        for index in children.indices where children[index].role != "broker" && children[index].isWanted {
            try children[index].start()
        }
        writeList()
    }

    private mutating func openIfReady() throws {
        guard !hasOpened, children.allSatisfy({ $0.isReady || !$0.isWanted }) else { return }
        hasOpened = true
        onOpen()
    }

    private var entries: [ProcessEntry] { children.filter(\.isKnown).map(\.description) }

    /// A list that cannot be written (a full disk) must not end the processes that still work.
    func writeList() {
        do {
            try list.write(entries)
        } catch {
            logger.error("the list of processes cannot be written", metadata: ["error": "\(error)"])
        }
    }

    /// Ends the processes: services first, what they rest on last; those that do not listen are killed.
    private mutating func takeDown() {
        let deadline = ContinuousClock.now + Self.patience
        for child in children.reversed() where child.role != "broker" { child.signal(SIGTERM) }
        waitForEnds(until: deadline) { $0.role != "broker" }
        for child in children { child.signal(SIGTERM) }
        waitForEnds(until: deadline) { _ in true }
        for child in children { child.signal(SIGKILL) }
        waitForEnds(until: .now + Self.patience) { _ in true }
        unlink(list.path)
    }

    private mutating func waitForEnds(until deadline: ContinuousClock.Instant, of concerned: (Child) -> Bool) {
        var status: Int32 = 0
        while true {
            while case let pid = waitpid(-1, &status, WNOHANG), pid > 0 {
                if let index = children.firstIndex(where: { $0.pid == pid }) { children[index].ended(status: status) }
            }
            let left = Self.milliseconds(until: deadline)
            guard left > 0, children.contains(where: { concerned($0) && $0.pid != nil }) else { return }
            var watched = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
            poll(&watched, 1, left)
            _ = readSignals()
        }
    }
}

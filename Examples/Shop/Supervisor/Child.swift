import CProcess
import Glibc
import Tidings

/// One process of the shop, seen from the supervisor: it is started, says that it is ready on its standard output,
/// and ends with the supervisor, since its standard input then ends.
struct Child {
    let role: String
    let instance: Int
    /// The command line after the program's own name.
    let arguments: [String]

    /// Whether it is to run. One that was stopped, or is not wanted yet, is not started again.
    var isWanted = true {
        didSet { if !isWanted { startAgainAt = nil } }
    }
    /// Not there from the beginning, so that nobody misses it.
    private let isExtra: Bool

    private(set) var pid: pid_t?
    private(set) var isReady = false
    private(set) var restarts = 0
    private(set) var lastEnd: String?
    private(set) var endedAt: Int64?
    private(set) var readyAt: Int64?
    private(set) var startAgainAt: ContinuousClock.Instant?
    /// The readable end of the child's standard output.
    private(set) var output: Int32 = -1
    /// The writable end of the child's standard input: nothing is written, but its end is noticed.
    private var input: Int32 = -1
    private var startedAt = ContinuousClock.now
    private var backoff = Backoff()
    private var said = LineBuffer()

    init(role: String, instance: Int, arguments: [String], isWanted: Bool = true) {
        self.role = role
        self.instance = instance
        self.arguments = arguments
        self.isWanted = isWanted
        isExtra = !isWanted
    }

    var name: String { "\(role)-\(instance)" }
    var earlyDeaths: Int { backoff.earlyDeaths }

    var description: ProcessEntry {
        ProcessEntry(
            role: role, instance: instance, pid: pid, restarts: restarts, lastEnd: lastEnd, endedAt: endedAt,
            readyAt: readyAt, isReady: isReady, isStopped: !isWanted)
    }

    /// Whether it belongs to the shop at the moment.
    var isKnown: Bool { isWanted || pid != nil || (lastEnd != nil && !isExtra) }

    /// Starts the program anew. Call it on the thread that lives as long as the supervisor: the kernel ends the child
    /// with the thread that started it.
    mutating func start() throws {
        var toChild: [Int32] = [-1, -1]
        var fromChild: [Int32] = [-1, -1]
        guard cprocess_pipe(&toChild) == 0, cprocess_pipe(&fromChild) == 0 else {
            throw ShopError("No pipe for \(name): \(String(cString: strerror(errno)))")
        }
        let line = ["shop"] + arguments + ["--supervised-by", String(getpid())]
        var pointers: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        pointers.append(nil)
        let child = cprocess_spawn("/proc/self/exe", pointers, toChild[0], fromChild[1])
        let reason = errno
        pointers.forEach { free($0) }
        close(toChild[0])
        close(fromChild[1])
        guard child > 0 else {
            close(toChild[1])
            close(fromChild[0])
            throw ShopError("\(name) cannot be started: \(String(cString: strerror(reason)))")
        }
        _ = fcntl(fromChild[0], F_SETFL, O_NONBLOCK)
        (pid, input, output) = (child, toChild[1], fromChild[0])
        _ = fcntl(toChild[1], F_SETFL, O_NONBLOCK)
        (isReady, startAgainAt, startedAt, said) = (false, nil, .now, LineBuffer())
    }

    /// Reads what the child has said: its first line means that it is ready, further ones are returned.
    mutating func readOutput() -> [String] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(output, &buffer, buffer.count)
        if count == 0 {
            close(output)
            output = -1
        }
        guard count > 0 else { return [] }
        var lines = said.add(buffer[..<count])
        if !isReady, !lines.isEmpty {
            isReady = true
            readyAt = Timestamp.now().millisecondsSince1970
            lines.removeFirst()
        }
        return lines
    }

    /// Says a line on the child's standard input. Returns false when it does not run, or does not listen.
    @discardableResult
    func tell(_ line: String) -> Bool {
        guard input >= 0 else { return false }
        let bytes = Array((line + "\n").utf8)
        return write(input, bytes, bytes.count) == bytes.count
    }

    /// Notes that the process has ended, and when it is to be started again.
    mutating func ended(status: Int32) {
        closePipes()
        pid = nil
        isReady = false
        endedAt = Timestamp.now().millisecondsSince1970
        let wait = backoff.died(after: .now - startedAt)
        guard isWanted else {
            (lastEnd, startAgainAt) = (ProcessEntry.stopped, nil)
            return
        }
        restarts += 1
        lastEnd = Self.words(for: status)
        startAgainAt = .now + wait
    }

    func signal(_ number: Int32) {
        if let pid { kill(pid, number) }
    }

    private mutating func closePipes() {
        if input >= 0 { close(input) }
        if output >= 0 { close(output) }
        (input, output) = (-1, -1)
    }

    private static func words(for status: Int32) -> String {
        let number = status & 0x7f
        return number == 0 ? "ended with code \((status >> 8) & 0xff)" : "was ended by signal \(number)"
    }
}

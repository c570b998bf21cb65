import ArgumentParser
import CProcess
import Foundation
import Glibc

/// The child's side of supervision: it says when it is ready, and ends with the supervisor.
struct Supervised: ParsableArguments, Sendable {
    @Option(name: .customLong("supervised-by"), help: .hidden)
    var supervisor: Int32?

    var isSupervised: Bool { supervisor != nil }

    /// Makes this process end when the supervisor does, whichever way that one ends. Call it first.
    ///
    /// Two lines of defence: the kernel's signal on the parent's death, and standard input, which ends with it.
    ///
    /// - Parameter onLine: called on a thread of its own with each line that the supervisor says.
    func endWithSupervisor(onLine: @escaping @Sendable (String) -> Void = { _ in }) {
        guard let supervisor else { return }
        _ = cprocess_signal_on_parent_death(SIGKILL)
        // It may have died before the line above took effect.
        if getppid() != supervisor { Glibc.exit(EXIT_FAILURE) }
        let watch = Thread {
            var lines = LineBuffer()
            var bytes = [UInt8](repeating: 0, count: 512)
            while true {
                let count = read(STDIN_FILENO, &bytes, bytes.count)
                if count == 0 || (count < 0 && errno != EINTR) { kill(getpid(), SIGKILL) }
                if count > 0 { lines.add(bytes[..<count]).forEach(onLine) }
            }
        }
        watch.stackSize = 256 * 1024
        watch.start()
    }

    /// Says on standard output that this process does its work from now on: `shop order ready at …`.
    func ready(_ role: String, at place: String? = nil) {
        let line = place.map { "shop \(role) ready at \($0)\n" } ?? "shop \(role) ready\n"
        FileHandle.standardOutput.write(Data(line.utf8))
    }
}

import Foundation

/// Ends a process with the one that started it, however that one ended: its standard input is then at its end.
public enum ParentWatch {
    /// Begins to watch, on a thread of its own.
    public static func start() {
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { kill(getpid(), SIGKILL) }
            }
        }
    }
}

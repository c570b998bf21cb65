import Foundation
import Glibc

/// Where the shop keeps everything: a database per service, the broker's log, the list of processes.
struct DataDirectory: Sendable {
    let path: String

    /// Creates the directory if need be.
    init(_ path: String) throws {
        // Absolute, since the processes of one shop may be started from several places.
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
        var parent = ""
        for part in self.path.split(separator: "/") {
            parent += "/\(part)"
            guard mkdir(parent, 0o755) == 0 || errno == EEXIST else {
                throw ShopError(
                    "The data directory \(self.path) cannot be created: \(String(cString: strerror(errno))). "
                        + "Choose another --data-dir.")
            }
        }
        guard access(self.path, W_OK | X_OK) == 0 else {
            throw ShopError("The data directory \(self.path) cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Claims the directory for one supervisor until this process ends, whichever way it ends.
    func claim() throws {
        let file = open(self.file("shop.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else {
            throw ShopError("\(self.file("shop.lock")) cannot be opened: \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            close(file)
            throw ShopError("Another shop is using the data directory \(path). Stop it, or choose another --data-dir.")
        }
        // The descriptor stays open on purpose: closing it would give up the claim.
    }
}

/// A reason why a program of the shop cannot do its work, in words for the one who started it.
struct ShopError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

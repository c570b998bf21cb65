import Foundation
import Synchronization

/// The embedded broker as a process of its own, which can be killed and started again on the same folder and port.
package final class OwnBroker: Sendable {
    private let program: [String]
    private let folder: String
    private let state: Mutex<(process: SubjectProcess, address: String)>

    /// Starts one.
    ///
    /// - Parameters:
    ///   - program: the program that is a broker when `broker` is its next argument.
    ///   - folder: for its data and its log; must exist.
    package init(_ program: [String], folder: String) async throws {
        self.program = program
        self.folder = folder
        state = Mutex(try await Self.start(program, folder, at: nil))
    }

    /// Where it listens.
    package var address: String { state.withLock { $0.address } }

    /// Its process.
    package var processID: Int32 { state.withLock { $0.process.processID } }

    /// Kills it (SIGKILL).
    package func kill() async { await end(with: SIGKILL) }

    /// Lets it end in order.
    package func stop() async { await end(with: SIGTERM) }

    private func end(with signal: Int32) async {
        let process = state.withLock { $0.process }
        process.signal(signal)
        _ = await process.end()
    }

    /// Starts it again at its old address.
    package func restart() async throws {
        let started = try await Self.start(program, folder, at: address)
        state.withLock { $0 = started }
    }

    private static func start(
        _ program: [String], _ folder: String, at address: String?
    ) async throws -> (process: SubjectProcess, address: String) {
        for attempt in 1... {
            // Below the ports that a system gives to outgoing connections, so that none of them takes it meanwhile.
            let listen = address ?? "127.0.0.1:\(Int.random(in: 15_000..<32_000))"
            let process = try SubjectProcess(
                program + ["broker", "--listen", listen, "--data-dir", "\(folder)/broker", "--log-level", "warning"],
                log: "\(folder)/broker.log")
            do {
                return (process, try await process.line(startingWith: "tidings broker ready at "))
            } catch let error as SweepError where attempt < 20 && address == nil {
                _ = error  // Somebody else has that port.
            } catch {
                process.signal(SIGKILL)
                throw error
            }
        }
        throw SweepError("no broker could be started; see \(folder)/broker.log")
    }
}
